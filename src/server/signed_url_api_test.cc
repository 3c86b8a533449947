// Signed URLs over a real socket: on the XML paths, and inside a model's creation.
#include <gtest/gtest.h>

#include "base/time_format.h"
#include "crypto/crypto.h"
#include "server/server_under_test.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

constexpr char kModels[] = "/v1beta2/projects/godwit/models";

class SignedUrlApiTest : public ::testing::Test {
 protected:
  struct Signing {
    std::string method = "GET";
    std::string host;   // Empty: the server's own.
    std::string extra;  // More of the query, sorted behind "X-Goog-…" and encoded.
    int lifetime_s = 600;
    Headers headers = {};  // Signed, too: in lower case and sorted.
  };

  std::string Host() const { return server_.url().substr(7); }

  // path: encoded. The answer is path and query.
  std::string SignV4(const std::string& path) { return SignV4(path, Signing()); }
  std::string SignV4(const std::string& path, const Signing& signing) {
    std::string time = FormatTimeMillis(server_.clock().NowMs());  // 2026-01-02T03:04:05.678Z
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    time = time.substr(0, 15) + 'Z';
    const std::string scope = time.substr(0, 8) + "/auto/storage/goog4_request";
    const std::string host = signing.host.empty() ? Host() : signing.host;
    std::string names = "host";
    std::string lines = "host:" + host + "\n";
    std::string payload = "UNSIGNED-PAYLOAD";
    for (const auto& [name, value] : signing.headers) {
      names += ";" + name;
      lines += name + ":" + value + "\n";
      if (name == "x-goog-content-sha256") payload = value;
    }
    const std::string query = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=" +
                              PercentEncode(Email() + "/" + scope) + "&X-Goog-Date=" + time +
                              "&X-Goog-Expires=" + std::to_string(signing.lifetime_s) +
                              "&X-Goog-SignedHeaders=" + PercentEncode(names) + signing.extra;
    const auto hash = Sha256Of(signing.method + "\n" + path + "\n" + query + "\n" + lines + "\n" +
                               names + "\n" + payload);
    const std::string text = "GOOG4-RSA-SHA256\n" + time + "\n" + scope + "\n" +
                             HexEncode(std::as_bytes(std::span(hash)));
    return path + "?" + query +
           "&X-Goog-Signature=" + HexEncode(AsBytes(Key().SignSha256(text).value()));
  }
  std::string SignV2(const std::string& path, int64_t expires_s) {
    const std::string text = "GET\n\n\n" + std::to_string(expires_s) + "\n" + path;
    return path + "?GoogleAccessId=" + PercentEncode(Email()) +
           "&Expires=" + std::to_string(expires_s) +
           "&Signature=" + PercentEncode(Base64Encode(AsBytes(Key().SignSha256(text).value())));
  }
  int64_t NowS() { return server_.clock().NowMs() / 1000; }

  void ExpectXml(const Reply& reply, int status, const std::string& code) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.Header("Content-Type"), "application/xml; charset=UTF-8");
    EXPECT_NE(reply.body.find("<Code>" + code + "</Code>"), std::string::npos) << reply.body;
  }

  Reply CreateModel(const std::string& name, const std::string& uri) {
    const Json file = Json::Object({{"gcsTfliteUri", uri}});
    return server_.Admin("POST", kModels,
                         Json::Object({{"displayName", name}, {"tfliteModel", file}}).Serialize());
  }

  ServerUnderTest server_;

 private:
  std::string Email() const { return server_.admin_file()["client_email"].AsString(); }
  RsaKey Key() const {
    return RsaKey::FromPrivatePem(server_.admin_file()["private_key"].AsString()).value();
  }
};

TEST_F(SignedUrlApiTest, OpensOneObjectForSomeTime) {
  server_.Upload("dir%2Fa%20b", "the bytes");
  const std::string path = "/godwit.test/dir/a%20b";
  for (const std::string& link : {SignV4(path), SignV2(path, NowS() + 600)}) {
    const Reply reply = server_.Send("GET", link);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, "the bytes");
    EXPECT_NE(reply.Header("x-goog-hash"), "");
    EXPECT_EQ(server_.Send("GET", link, {{"Range", "bytes=4-"}}).body, "bytes");
    EXPECT_EQ(server_.Send("GET", link, {{"If-None-Match", reply.Header("ETag")}}).status, 304);
    EXPECT_EQ(server_.Send("GET", link, {{"Accept-Encoding", "gzip"}}).Header("Content-Encoding"),
              "");
    EXPECT_EQ(server_.Send("HEAD", link).Header("Content-Length"), "9");
    ExpectXml(server_.Send("DELETE", link), 403, "SignatureDoesNotMatch");
    ExpectXml(server_.Send("GET", std::string(link).replace(link.find("a%20b"), 5, "other")), 403,
              "SignatureDoesNotMatch");
  }
  const std::string v4 = SignV4(path);
  const std::string v2 = SignV2(path, NowS() + 600);
  server_.clock().Advance(600'001);
  ExpectXml(server_.Send("GET", v4), 400, "ExpiredToken");
  ExpectXml(server_.Send("GET", v2), 400, "ExpiredToken");
}

TEST_F(SignedUrlApiTest, SaysWhatIsWrong) {
  server_.Upload("x", "bytes");
  const std::string path = "/godwit.test/x";
  const std::string link = SignV4(path);
  ExpectXml(server_.Send("GET", SignV4("/godwit.test/none")), 404, "NoSuchKey");
  ExpectXml(server_.Send("GET", path), 403, "AccessDenied");
  ExpectXml(server_.Send("GET", path, {{"Authorization", "Bearer nonsense"}}), 401,
            "AuthenticationRequired");
  EXPECT_EQ(server_.Admin("GET", path).body, "bytes");
  ExpectXml(server_.Send("GET", SignV4(path, {"GET", "other.example", "", 600})), 403,
            "SignatureDoesNotMatch");
  std::string stranger = link;
  stranger.replace(stranger.find("Credential=") + 11, 3, "xyz");
  ExpectXml(server_.Send("GET", stranger), 403, "SignatureDoesNotMatch");
  ExpectXml(server_.Send("GET", path + "?X-Goog-Signature=00"), 400, "InvalidArgument");
  server_.clock().Advance(-16 * 60 * 1000);
  ExpectXml(server_.Send("GET", link), 403, "SignatureDoesNotMatch");
  // What is no bucket is no storage.
  const Reply other = server_.Send("GET", "/not-there/x");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.json()["error"]["status"].AsString(), "NOT_FOUND");
}

TEST_F(SignedUrlApiTest, WritesAndDeletesWhatItWasSignedFor) {
  const std::string path = "/godwit.test/put";
  const Headers who = {{"x-goog-meta-who", "me"}};
  Headers headers = {{"Content-Type", "text/x"}, {"Cache-Control", "no-store"}};
  const std::string link = SignV4(path, {"PUT", "", "", 600, who});
  ExpectXml(server_.Send("PUT", link, headers, "written"), 403, "SignatureDoesNotMatch");
  headers.push_back(who[0]);
  const Reply put = server_.Send("PUT", link, headers, "written");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_NE(put.Header("ETag"), "");
  const Json object = server_.Admin("GET", "/storage/v1/b/godwit.test/o/put").json();
  EXPECT_EQ(object["contentType"].AsString(), "text/x");
  EXPECT_EQ(object["metadata"]["who"].AsString(), "me");
  EXPECT_EQ(object["cacheControl"].AsString(), "no-store");
  ExpectXml(server_.Send("PUT", SignV4(path), {}, "not so"), 403, "SignatureDoesNotMatch");
  const auto put_bound = [&](const Headers& bound, const std::string& bytes) {
    return server_.Send("PUT", SignV4(path, {"PUT", "", "", 600, bound}), bound, bytes);
  };
  ExpectXml(put_bound({{"x-goog-hash", "crc32c=AAAAAA=="}}, "other"), 400, "BadDigest");
  ExpectXml(put_bound({{"x-goog-if-generation-match", "0"}}, "other"), 412, "PreconditionFailed");
  const auto right = Sha256Of("right");
  const Headers hash = {{"x-goog-content-sha256", HexEncode(std::as_bytes(std::span(right)))}};
  ExpectXml(put_bound(hash, "wrong"), 400, "BadDigest");
  EXPECT_EQ(put_bound(hash, "right").status, 200);
  const Headers range = {{"x-goog-content-length-range", "2,5"}};
  for (const char* bytes : {"", "1", "123456"}) {
    ExpectXml(put_bound(range, bytes), 400, "InvalidArgument");
  }
  EXPECT_EQ(put_bound(range, "12345").status, 200);
  for (const char* odd : {"2", "5,2", "-1,5", "a,b", "2,5,7"}) {
    ExpectXml(put_bound({{"x-goog-content-length-range", odd}}, "123"), 400, "InvalidArgument");
  }
  EXPECT_EQ(server_.Send("PUT", SignV4("/godwit.test/empty", {"PUT", "", "", 600})).status, 200);
  const Headers resumable = {{"x-goog-resumable", "start"}};
  const std::string start = SignV4("/godwit.test/big", {"POST", "", "", 600, resumable});
  const Reply started = server_.Send("POST", start, resumable);
  ASSERT_EQ(started.status, 201) << started.body;
  EXPECT_EQ(server_.Send("PUT", started.Header("Location"), {}, "big").status, 200);
  const Headers bound_start = {range[0], resumable[0]};
  ExpectXml(server_.Send("POST", SignV4("/godwit.test/big", {"POST", "", "", 600, bound_start}),
                         bound_start),
            400, "InvalidArgument");
  const Headers first = {{"x-goog-if-generation-match", "1"}};
  ExpectXml(server_.Send("DELETE", SignV4(path, {"DELETE", "", "", 600, first}), first), 412,
            "PreconditionFailed");
  const std::string remove = SignV4(path, {"DELETE", "", "", 600});
  EXPECT_EQ(server_.Send("DELETE", remove).status, 204);
  ExpectXml(server_.Send("DELETE", remove), 404, "NoSuchKey");
}

TEST_F(SignedUrlApiTest, GzipIsStoredAsItCame) {
  const std::string link = SignV4("/godwit.test/gz", {"PUT", "", "", 600});
  ASSERT_EQ(server_.Send("PUT", link, {{"Content-Encoding", "gzip"}}, "no inflating").status, 200);
  const Reply reply = server_.Send("GET", SignV4("/godwit.test/gz"));
  EXPECT_EQ(reply.body, "no inflating");
  EXPECT_EQ(reply.Header("Content-Encoding"), "gzip");
}

TEST_F(SignedUrlApiTest, ABucketsHostOpensNoOtherBucketAtAnotherPort) {
  server_.Upload("dir%2Fx", "of the bucket");
  ASSERT_EQ(server_.Admin("POST", "/storage/v1/b", R"({"name":"dir"})").status, 200);
  ASSERT_EQ(
      server_.Admin("POST", "/upload/storage/v1/b/dir/o?uploadType=media&name=x", "of another")
          .status,
      200);
  constexpr char kHost[] = "godwit.test.storage.googleapis.com";
  const std::string link = SignV4("/dir/x", {"GET", kHost, "", 600});
  for (const std::string port : {"", ":443", ":8484"}) {
    EXPECT_EQ(server_.Send("GET", link, {{"Host", kHost + port}}).body, "of the bucket") << port;
  }
}

TEST_F(SignedUrlApiTest, ChoosesTheAnswersHeaders) {
  server_.Upload("x", "bytes");
  const std::string link = SignV4(
      "/godwit.test/x", {"GET", "",
                         "&response-content-disposition=attachment%3B%20filename%3D%22a%20b%22"
                         "&response-content-type=a%2Fb",
                         600});
  const Reply reply = server_.Send("GET", link);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.Header("Content-Disposition"), "attachment; filename=\"a b\"");
  EXPECT_EQ(reply.Header("Content-Type"), "a/b");
  const std::string split =
      SignV4("/godwit.test/x", {"GET", "", "&response-content-type=a%0D%0AX-Evil%3A%20yes", 600});
  ExpectXml(server_.Send("GET", split), 400, "InvalidArgument");
}

TEST_F(SignedUrlApiTest, GooglesHostsAreThisServer) {
  server_.Upload("x", "bytes");
  constexpr char kHost[] = "godwit.test.storage.googleapis.com";
  const std::string link = SignV4("/x", {"GET", kHost, "", 600});
  EXPECT_EQ(server_.Send("GET", link, {{"Host", kHost}}).body, "bytes");
  ExpectXml(server_.Send("GET", "/healthz", {{"Host", kHost}}), 403, "AccessDenied");
  for (const std::string host :
       {"storage.googleapis.com", "www.googleapis.com", "firebasestorage.googleapis.com"}) {
    const Reply reply = server_.Admin("GET", "/storage/v1/b/godwit.test/o/x", "", {{"Host", host}});
    EXPECT_EQ(reply.json()["selfLink"].AsString(),
              "https://" + host + "/storage/v1/b/godwit.test/o/x");
    const Reply session =
        server_.Admin("POST", "/upload/storage/v1/b/godwit.test/o?uploadType=resumable&name=x",
                      "{}", {{"Host", host}});
    EXPECT_TRUE(session.Header("Location").starts_with("https://" + host + "/upload/")) << host;
  }
}

TEST_F(SignedUrlApiTest, AModelsLinkIsVerifiedWhenItIsSigned) {
  server_.Upload("face", DigitsModel("digits_v1.tflite"));
  const std::string path = "/godwit.test/face";
  const std::string here = server_.url();
  const std::string google = "https://storage.googleapis.com";
  const std::string v4 = SignV4(path);
  const struct {
    const char* name;
    std::string uri;
    bool ok;
  } rows[] = {
      {"gs", "gs://godwit.test/face", true},
      {"unsigned", here + path, true},
      {"v4", here + v4, true},
      {"v2", google + SignV2(path, NowS() + 600), true},
      {"google", google + SignV4(path, {"GET", "storage.googleapis.com", "", 600}), true},
      {"bucket-host",
       "https://godwit.test.storage.googleapis.com" +
           SignV4("/face", {"GET", "godwit.test.storage.googleapis.com", "", 600}),
       true},
      {"other-object", here + SignV4("/godwit.test/other").replace(13, 5, "face"), false},
      {"other-host", google + v4, false},
      {"expired", google + SignV2(path, NowS() - 1), false},
      {"malformed", here + path + "?X-Goog-Signature=zz", false},
      {"outside", "https://example.com" + path, false},
  };
  for (const auto& row : rows) {
    const Reply reply = CreateModel(row.name, row.uri);
    if (row.ok) {
      EXPECT_EQ(reply.json()["response"]["tfliteModel"]["gcsTfliteUri"].AsString(),
                "gs://godwit.test/face")
          << row.name << reply.body;
    } else {
      EXPECT_EQ(reply.status, 400) << row.name << reply.body;
      EXPECT_EQ(reply.json()["error"]["status"].AsString(), "INVALID_ARGUMENT") << row.name;
    }
  }
}

}  // namespace
}  // namespace godwit::server
