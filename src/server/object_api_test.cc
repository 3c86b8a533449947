// Objects and buckets as Cloud Storage's clients change, copy and compose them.
#include <gtest/gtest.h>

#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kBucket[] = "/storage/v1/b/godwit.test";
constexpr char kObjects[] = "/storage/v1/b/godwit.test/o";

class ObjectApiTest : public ::testing::Test {
 protected:
  Json Get(const std::string& name) {
    return server_.Admin("GET", std::string(kObjects) + "/" + name).json();
  }
  std::string Media(const std::string& name) {
    return server_.Admin("GET", std::string(kObjects) + "/" + name + "?alt=media").body;
  }
  Reply Call(const std::string& method, const std::string& rest, const std::string& body = {}) {
    return server_.Admin(method, kObjects + rest, body);
  }
  std::string Reason(const Reply& reply) {
    const Json body = reply.json();
    const auto& errors = body["error"]["errors"].items();
    return errors.empty() ? "" : errors[0]["reason"].AsString();
  }

  ServerUnderTest server_;
};

TEST_F(ObjectApiTest, ChangesMetadataByFields) {
  server_.Upload("x", "bytes");
  const std::string generation = Get("x")["generation"].AsString();
  const Reply patched = Call("PATCH", "/x?generation=" + generation + "&ifMetagenerationMatch=1",
                             R"({"contentType":"a/b","cacheControl":"no-cache",
                                 "metadata":{"k":"v","n":7}})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.json()["metadata"], Json::Object({{"k", "v"}, {"n", "7"}}));
  EXPECT_EQ(Call("PATCH", "/x", R"({"metadata":{"k":null}})").json()["metadata"],
            Json::Object({{"n", "7"}}));
  const Json object = Get("x");
  EXPECT_EQ(object["metageneration"].AsString(), "3");
  EXPECT_EQ(object["generation"].AsString(), generation);
  const Reply media = server_.Admin("GET", std::string(kObjects) + "/x?alt=media");
  EXPECT_EQ(media.Header("Cache-Control"), "no-cache");
  EXPECT_EQ(media.Header("Content-Type"), "a/b");
  // PUT leaves nothing of what was there.
  const Json replaced = Call("PUT", "/x", R"({"contentType":"c/d"})").json();
  EXPECT_EQ(replaced["contentType"].AsString(), "c/d");
  EXPECT_FALSE(replaced.Has("metadata") || replaced.Has("cacheControl"));
  EXPECT_EQ(Reason(Call("PATCH", "/x?ifMetagenerationMatch=1", "{}")), "conditionNotMet");
  EXPECT_EQ(Call("PATCH", "/none", "{}").status, 404);
  EXPECT_EQ(Call("PATCH", "/x?generation=5", "{}").status, 404);
  const std::string large = R"({"metadata":{"k":")" + std::string(9000, 'x') + "\"}}";
  for (const std::string& body :
       {std::string(R"({"contentType":"a\r\nX-Evil: yes"})"),
        std::string(R"({"contentDisposition":"\u0000"})"), std::string(R"({"metadata":[]})"),
        std::string(R"({"metadata":{"k":{}}})"), std::string("[]"), std::string("{"), large}) {
    EXPECT_EQ(Call("PATCH", "/x", body).status, 400) << body.substr(0, 60);
  }
}

TEST_F(ObjectApiTest, ReadsUnderConditions) {
  server_.Upload("x", "bytes");
  const std::string generation = Get("x")["generation"].AsString();
  const struct {
    std::string query;
    int status;
  } rows[] = {
      {"ifGenerationMatch=" + generation, 200},
      {"ifGenerationMatch=1", 412},
      {"ifGenerationNotMatch=" + generation, 304},
      {"ifMetagenerationNotMatch=1", 304},
      {"generation=" + generation, 200},
      {"generation=1", 404},
      {"generation=x", 400},
      {"fields=name&projection=full&userProject=p&prettyPrint=false", 200},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Call("GET", "/x?" + row.query).status, row.status) << row.query;
    EXPECT_EQ(Call("GET", "/x?alt=media&" + row.query).status, row.status) << row.query;
  }
}

TEST_F(ObjectApiTest, ComposesCopiesAndMoves) {
  server_.Upload("a", "one ");
  server_.Upload("b", "two");
  const Reply composed = Call("POST", "/ab/compose",
                              R"({"sourceObjects":[{"name":"a"},{"name":"b","generation":null}],
               "destination":{"contentType":"a/b","crc32c":"AAAAAA=="}})");
  ASSERT_EQ(composed.status, 200) << composed.body;
  EXPECT_EQ(composed.json()["size"].AsString(), "7");
  EXPECT_EQ(Media("ab"), "one two");
  const Reply rewritten = Call("POST", "/ab/rewriteTo/b/other.test/o/a%2Fb?ifGenerationMatch=0",
                               R"({"metadata":{"k":"v"}})");
  ASSERT_EQ(rewritten.status, 200) << rewritten.body;
  EXPECT_TRUE(rewritten.json()["done"].AsBool());
  EXPECT_EQ(rewritten.json()["totalBytesRewritten"].AsString(), "7");
  EXPECT_EQ(rewritten.json()["resource"]["name"].AsString(), "a/b");
  EXPECT_EQ(rewritten.json()["resource"]["contentType"].AsString(), "a/b");
  EXPECT_EQ(Call("POST", "/ab/copyTo/b/godwit.test/o/copy").json()["name"].AsString(), "copy");
  EXPECT_EQ(Call("POST", "/copy/moveTo/o/moved").json()["name"].AsString(), "moved");
  EXPECT_EQ(Call("GET", "/copy").status, 404);
  EXPECT_EQ(Media("moved"), "one two");
  EXPECT_EQ(Call("POST", "/ab/compose", "{}").status, 400);
  EXPECT_EQ(Call("POST", "/ab/compose", R"({"sourceObjects":[{"name":"none"}]})").status, 404);
  EXPECT_EQ(Call("POST", "/none/rewriteTo/b/godwit.test/o/x").status, 404);
  EXPECT_EQ(Call("POST", "/ab/copyTo/b/godwit.test/o/x?ifSourceGenerationMatch=1").status, 412);
  EXPECT_EQ(Call("POST", "/ab/copyTo/b/AB/o/x").status, 400);
  for (const char* rest : {"/ab/copyTo/b/godwit.test", "/ab/magic/b/godwit.test/o/x",
                           "/ab/compose/more", "/ab/rewriteTo/x/godwit.test/o/x"}) {
    EXPECT_EQ(Call("POST", rest, "{}").status, 404) << rest;
  }
}

TEST_F(ObjectApiTest, KeepsBucketsButNoAccessLists) {
  EXPECT_EQ(server_.Admin("GET", kBucket).status, 404);
  EXPECT_EQ(server_.Admin("POST", "/storage/v1/b", R"({"name":"godwit.test"})").status, 200);
  EXPECT_EQ(server_.Admin("GET", kBucket).json()["name"].AsString(), "godwit.test");
  EXPECT_EQ(server_.Admin("POST", "/storage/v1/b", R"({"name":"godwit.test"})").status, 409);
  server_.Upload("x", "bytes");
  EXPECT_EQ(server_.Admin("DELETE", kBucket).status, 409);
  for (const std::string& path : {std::string(kObjects) + "/x/acl", std::string(kBucket) + "/acl",
                                  std::string(kBucket) + "/iam"}) {
    const Reply reply = server_.Admin("GET", path);
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_NE(reply.body.find("signed URL"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(server_
                .Admin("POST",
                       "/upload/storage/v1/b/godwit.test/o?uploadType=media&name=y&"
                       "predefinedAcl=publicRead",
                       "bytes")
                .status,
            400);
  EXPECT_EQ(server_.Admin("PATCH", kBucket, R"({"versioning":{"enabled":true}})").status, 400);
  EXPECT_EQ(Call("DELETE", "/x").status, 204);
  EXPECT_EQ(server_.Admin("DELETE", kBucket).status, 204);
  EXPECT_EQ(server_.Admin("GET", kBucket).status, 404);
}

TEST_F(ObjectApiTest, AnUploadThatComesAgainIsAnsweredAsItWas) {
  const std::string upload =
      "/upload/storage/v1/b/godwit.test/o?uploadType=media&name=x&ifGenerationMatch=0";
  const Headers token = {{"x-goog-gcs-idempotency-token", "0b9c"}};
  const Reply first = server_.Admin("POST", upload, "bytes", token);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(server_.Admin("POST", upload, "bytes", token).json(), first.json());
  EXPECT_EQ(server_.Admin("POST", upload, "bytes").status, 412);
}

TEST_F(ObjectApiTest, ASessionKnowsItsSize) {
  const auto start = [&](const char* size) {
    return server_
        .Admin("POST", "/upload/storage/v1/b/godwit.test/o?uploadType=resumable&name=x", "{}",
               {{"X-Upload-Content-Length", size}})
        .Header("Location");
  };
  const auto put = [&](const std::string& session, const char* range, const char* bytes) {
    return server_.Send("PUT", session, {{"Content-Range", range}}, bytes);
  };
  // Bytes whose acknowledgement was lost: asking is enough to finish.
  const std::string whole = start("5");
  EXPECT_EQ(put(whole, "bytes 0-4/*", "bytes").status, 308);
  EXPECT_EQ(put(whole, "bytes */*", "").status, 200);
  EXPECT_EQ(put(start("5"), "bytes 0-*/*", "more bytes").status, 400);
  EXPECT_EQ(put(start("5"), "bytes 0-*/*", "few").status, 400);
  EXPECT_EQ(put(start("5"), "bytes 0-3/4", "four").status, 400);
  EXPECT_EQ(put(start("5"), "bytes 0-*/5", "bytes").status, 200);
}

TEST_F(ObjectApiTest, AskedForCredentialsItSaysHow) {
  EXPECT_EQ(server_.Send("GET", kObjects).Header("WWW-Authenticate"), "Bearer realm=\"godwit\"");
}

}  // namespace
}  // namespace godwit::server
