// What Cloud Storage's clients see: uploads, objects, buckets.
#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "digest/digest.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kUpload[] = "/upload/storage/v1/b/godwit.test/o";
constexpr char kObjects[] = "/storage/v1/b/godwit.test/o";

std::string Md5Of(std::string_view bytes) {
  Md5 md5;
  md5.Update(AsBytes(bytes));
  return Base64Encode(std::as_bytes(std::span<const uint8_t>(md5.Finish())));
}

class StorageApiTest : public ::testing::Test {
 protected:
  StorageApiTest() {
    for (size_t i = 0; i < content_.size(); ++i) {
      content_[i] = static_cast<char>(i * 7 + i / 251);  // No two chunks are equal.
    }
  }

  // Starts a resumable upload; returns its session's URL.
  std::string StartSession(const std::string& name, const std::string& body = "{}") {
    const Reply reply =
        server_.Admin("POST", std::string(kUpload) + "?uploadType=resumable&name=" + name, body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.Header("Location");
  }
  Reply Put(const std::string& session, const std::string& range, std::string bytes,
            Headers headers = {}) {
    if (!range.empty()) headers.push_back({"Content-Range", range});
    return server_.Send("PUT", session, headers, std::move(bytes));
  }
  std::string Media(const std::string& name) {
    return server_.Admin("GET", std::string(kObjects) + "/" + name + "?alt=media").body;
  }
  std::string Multipart(const std::string& metadata, const std::string& bytes) {
    return "--b1\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + metadata +
           "\r\n--b1\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes + "\r\n--b1--\r\n";
  }

  ServerUnderTest server_;
  std::string content_ = std::string(300'000, '\0');
};

TEST_F(StorageApiTest, TakesAMultipartUpload) {
  for (const std::string& bytes : {content_, std::string(), std::string("\r\n--b")}) {
    const std::string metadata = R"({"name":"a/b c","md5Hash":")" + Md5Of(bytes) + "\"}";
    const Reply reply = server_.Admin("POST", std::string(kUpload) + "?uploadType=multipart",
                                      Multipart(metadata, bytes),
                                      {{"Content-Type", "multipart/related; boundary=\"b1\""}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Json object = reply.json();
    EXPECT_EQ(object["name"].AsString(), "a/b c");
    EXPECT_EQ(object["bucket"].AsString(), "godwit.test");
    EXPECT_EQ(object["size"].AsString(), std::to_string(bytes.size()));
    EXPECT_EQ(object["md5Hash"].AsString(), Md5Of(bytes));
    EXPECT_EQ(object["crc32c"].AsString().size(), 8u);
    EXPECT_EQ(Media("a%2Fb%20c"), bytes);
  }
}

TEST_F(StorageApiTest, RefusesABadMultipartBody) {
  const std::string good = Multipart(R"({"name":"x"})", "bytes");
  const struct {
    const char* what;
    std::string type, body;
  } rows[] = {
      {"no boundary", "multipart/related", good},
      {"another type", "application/json", good},
      {"another boundary", "multipart/related; boundary=zz", good},
      {"no end", "multipart/related; boundary=b1", good.substr(0, good.size() - 10)},
      {"no JSON", "multipart/related; boundary=b1", Multipart("{", "bytes")},
      {"no name", "multipart/related; boundary=b1", Multipart("{}", "bytes")},
      {"huge metadata", "multipart/related; boundary=b1",
       Multipart("{\"name\":\"" + std::string(100'000, 'x') + "\"}", "bytes")},
      {"nothing", "multipart/related; boundary=b1", ""},
  };
  for (const auto& row : rows) {
    const Reply reply = server_.Admin("POST", std::string(kUpload) + "?uploadType=multipart",
                                      row.body, {{"Content-Type", row.type}});
    EXPECT_EQ(reply.status, 400) << row.what << reply.body;
    EXPECT_EQ(reply.json()["error"]["errors"].items().at(0)["reason"].AsString(), "invalid");
  }
  EXPECT_EQ(server_.Admin("GET", kObjects).json().Has("items"), false);
}

TEST_F(StorageApiTest, WrongHashesKeepTheObjectOut) {
  const std::string media = std::string(kUpload) + "?uploadType=media&name=x";
  EXPECT_EQ(server_.Admin("POST", media, "first").status, 200);
  for (const char* hash :
       {"crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA==", "crc32c=nonsense,md5=nonsense"}) {
    const Reply reply = server_.Admin("POST", media, "second", {{"x-goog-hash", hash}});
    EXPECT_EQ(reply.status, 400) << hash;
  }
  EXPECT_EQ(Media("x"), "first");
}

TEST_F(StorageApiTest, ResumesByChunks) {
  const std::string session = StartSession("big", R"({"contentType":"a/b"})");
  const std::string total = std::to_string(content_.size());
  EXPECT_EQ(Put(session, "bytes */*", "").status, 308);
  EXPECT_EQ(Put(session, "bytes */*", "").Header("Range"), "");
  const Reply first = Put(session, "bytes 0-99999/" + total, content_.substr(0, 100'000));
  EXPECT_EQ(first.status, 308);
  EXPECT_EQ(first.Header("Range"), "bytes=0-99999");
  // After a gap clients ask what is there.
  EXPECT_EQ(Put(session, "bytes 200000-299999/" + total, content_.substr(200'000)).status, 503);
  EXPECT_EQ(Put(session, "bytes */*", "").Header("Range"), "bytes=0-99999");
  // An overlap is cut.
  const Reply overlap = Put(session, "bytes 50000-199999/*", content_.substr(50'000, 150'000));
  EXPECT_EQ(overlap.Header("Range"), "bytes=0-199999");
  EXPECT_EQ(Put(session, "bytes */" + total, "").Header("Range"), "bytes=0-199999");
  const Reply last = Put(session, "bytes 200000-299999/" + total, content_.substr(200'000),
                         {{"x-goog-hash", "md5=" + Md5Of(content_)}});
  ASSERT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(last.json()["contentType"].AsString(), "a/b");
  EXPECT_EQ(last.json()["md5Hash"].AsString(), Md5Of(content_));
  EXPECT_EQ(Media("big"), content_);
  // The answer may have been lost: asking again gives it again.
  EXPECT_EQ(Put(session, "bytes */*", "").json(), last.json());
}

TEST_F(StorageApiTest, ResumesAfterARestart) {
  const std::string session = StartSession("big");
  const std::string total = std::to_string(content_.size());
  Put(session, "bytes 0-99999/" + total, content_.substr(0, 100'000));
  server_.Restart();
  EXPECT_EQ(Put(session, "bytes */*", "").Header("Range"), "bytes=0-99999");
  const Reply last = Put(session, "bytes 100000-299999/" + total, content_.substr(100'000));
  EXPECT_EQ(last.status, 200) << last.body;
  server_.Restart();
  EXPECT_EQ(Media("big"), content_);
}

TEST_F(StorageApiTest, TakesABodyOfUnknownEnd) {
  const std::string session = StartSession("node");
  const Reply reply = Put(session, "bytes 0-*/*", content_, {{"Transfer-Encoding", "chunked"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["size"].AsString(), std::to_string(content_.size()));
  EXPECT_EQ(Put(StartSession("whole"), "", "whole").status, 200);
  EXPECT_EQ(Media("whole"), "whole");
  EXPECT_EQ(Put(StartSession("empty"), "bytes */0", "").status, 200);
  EXPECT_EQ(Media("empty"), "");
}

TEST_F(StorageApiTest, SessionsEndAndRefuse) {
  const std::string session = StartSession("x");
  for (const char* range : {"bytes 5-1/10", "nonsense", "bytes 0-9/5"}) {
    EXPECT_EQ(Put(session, range, "0123456789").status, 400) << range;
  }
  EXPECT_EQ(Put(session, "bytes 0-9/20", "short").status, 400);
  EXPECT_EQ(Put(session, "bytes 0-9/20", "longer than told").status, 400);
  EXPECT_EQ(server_.Send("DELETE", session).status, 499);
  EXPECT_EQ(Put(session, "bytes 0-4/5", "12345").status, 404);
  EXPECT_EQ(Put(session + "0", "bytes */*", "").status, 404);
  EXPECT_EQ(server_.Send("DELETE", session).status, 499) << "cancelling twice is no error";
}

TEST_F(StorageApiTest, ChecksPreconditions) {
  const std::string media = std::string(kUpload) + "?uploadType=media&name=x";
  const Reply first = server_.Admin("POST", media + "&ifGenerationMatch=0", "one");
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string generation = first.json()["generation"].AsString();
  const Reply again = server_.Admin("POST", media + "&ifGenerationMatch=0", "two");
  EXPECT_EQ(again.status, 412);
  EXPECT_EQ(again.json()["error"]["errors"].items().at(0)["reason"].AsString(), "conditionNotMet");
  EXPECT_EQ(server_.Admin("POST", media + "&ifGenerationMatch=" + generation, "two").status, 200);
  const std::string object = std::string(kObjects) + "/x";
  EXPECT_EQ(server_.Admin("DELETE", object + "?ifGenerationMatch=" + generation).status, 412);
  EXPECT_EQ(server_.Admin("DELETE", object + "?ifGenerationNotMatch=" + generation).status, 204);
  EXPECT_EQ(server_.Admin("POST", media + "&ifGenerationMatch=x", "two").status, 400);
}

TEST_F(StorageApiTest, ListsGetsAndDeletes) {
  for (const char* name : {"a", "dir%2F1", "dir%2F2", "z"}) server_.Upload(name, name);
  const std::string list = kObjects;
  EXPECT_EQ(server_.Admin("GET", list).json()["items"].items().size(), 4u);
  EXPECT_EQ(server_.Admin("GET", list + "?prefix=dir%2F").json()["items"].items().size(), 2u);
  const Json folded = server_.Admin("GET", list + "?delimiter=%2F").json();
  EXPECT_EQ(folded["items"].items().size(), 2u);
  EXPECT_EQ(folded["prefixes"].items().at(0).AsString(), "dir/");
  std::string token;
  std::string names;
  do {
    const Json page = server_.Admin("GET", list + "?maxResults=1&pageToken=" + token).json();
    names += page["items"].items().at(0)["name"].AsString() + " ";
    token = page["nextPageToken"].AsString();
  } while (!token.empty());
  EXPECT_EQ(names, "a dir/1 dir/2 z ");
  // Emulator clients leave the prefix out.
  EXPECT_EQ(server_.Admin("GET", "/b/godwit.test/o/dir%2F1?").json()["name"].AsString(), "dir/1");
  EXPECT_EQ(server_.Admin("DELETE", "/download" + list + "/a").status, 404);
  EXPECT_EQ(server_.Admin("DELETE", list + "/a").status, 204);
  EXPECT_EQ(server_.Admin("GET", list + "/a").status, 404);
  EXPECT_EQ(server_.Admin("DELETE", list + "/a").status, 404);
  EXPECT_EQ(server_.Admin("GET", "/storage/v1/b").json()["items"].items().size(), 1u);
}

TEST_F(StorageApiTest, RefusesStrangersAndBadNames) {
  const std::string media = std::string(kUpload) + "?uploadType=media&name=x";
  EXPECT_EQ(server_.Send("POST", media, {}, "bytes").status, 401);
  EXPECT_EQ(server_.Send("GET", kObjects).status, 401);
  EXPECT_EQ(server_.Send("GET", kObjects, {{"Authorization", "Bearer nonsense"}}).status, 401);
  const std::string upload = "/upload/storage/v1/b/";
  for (const char* rest :
       {"AB/o?uploadType=media&name=x", "v1beta2/o?uploadType=media&name=x",
        "good-bucket/o?uploadType=media", "good-bucket/o?uploadType=magic",
        "good-bucket/o?uploadType=media&name=a%0Ab", "good-bucket/o?uploadType=media&name=a%00b",
        "good-bucket/o?uploadType=media&name=a%C0%AFb"}) {
    EXPECT_EQ(server_.Admin("POST", upload + rest, "x").status, 400) << rest;
  }
  const std::string objects = kObjects;
  for (const std::string& path : {std::string("/storage/v1/b/AB/o"), objects + "?pageToken=!",
                                  objects + "?maxResults=0", objects + "/x?alt=xml"}) {
    EXPECT_EQ(server_.Admin("GET", path).status, 400) << path;
  }
  const std::string session = upload + "good-bucket/o?uploadType=resumable";
  const Reply reply = server_.Admin("POST", session, R"({"name":7})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["message"].AsString(), "name must be a text");
  const std::string type = R"({"name":"x","contentType":"text/plain\r\nX-Evil: yes"})";
  EXPECT_EQ(server_.Admin("POST", session, type).status, 400);
}

TEST(StorageApi, RefusesWhatIsTooLarge) {
  ServerConfig config;
  config.model_max_bytes = 100'000;
  ServerUnderTest server(config);
  const std::string large(100'001, 'x');
  const std::string upload = kUpload;
  EXPECT_EQ(server.Admin("POST", upload + "?uploadType=media&name=x", large).status, 413);
  EXPECT_EQ(server
                .Admin("POST", upload + "?uploadType=media&name=x", large,
                       {{"Transfer-Encoding", "chunked"}})
                .status,
            413);
  EXPECT_EQ(server
                .Admin("POST", upload + "?uploadType=resumable&name=x", "{}",
                       {{"X-Upload-Content-Length", "100001"}})
                .status,
            413);
  EXPECT_EQ(server.Admin("POST", upload + "?uploadType=media&name=x", large.substr(1)).status, 200);
  EXPECT_EQ(server.Send("GET", "/healthz").status, 200);
}

TEST(StorageApi, AFullDiskRefusesAtOnce) {
  ServerConfig config;
  config.free_disk_reserve_bytes = uint64_t{1} << 60;  // No disk has so much.
  ServerUnderTest server(config);
  const std::string upload = kUpload;
  for (const char* type : {"media", "resumable"}) {
    const Reply reply = server.Admin("POST", upload + "?uploadType=" + type + "&name=x", "{}");
    EXPECT_EQ(reply.status, 507) << type;
    EXPECT_EQ(reply.json()["error"]["errors"].items().at(0)["reason"].AsString(),
              "insufficientStorage");
  }
  EXPECT_EQ(server.Send("GET", "/healthz").status, 200);
}

TEST(StorageApi, LinksNameThisServerAndNoOther) {
  ServerConfig config;
  config.public_url = "https://models.example";
  config.storage_hosts = {"storage.example"};
  ServerUnderTest server(config);
  const struct {
    std::string host, origin;
  } rows[] = {
      {server.url().substr(7), server.url()},
      {"storage.example", "http://storage.example"},
      {"models.example", "https://models.example"},
      {"storage.googleapis.com", "https://storage.googleapis.com"},
      {"evil.example", "https://models.example"},
  };
  for (const auto& row : rows) {
    const Reply reply = server.Admin("POST", std::string(kUpload) + "?uploadType=resumable&name=x",
                                     "{}", {{"Host", row.host}});
    EXPECT_TRUE(reply.Header("Location").starts_with(row.origin + kUpload)) << row.host;
  }
}

TEST(StorageApi, TheEmulatorModeNeedsNoCredentials) {
  ServerConfig config;
  config.storage_emulator = true;
  ServerUnderTest server(config);
  EXPECT_EQ(server.Send("POST", std::string(kUpload) + "?uploadType=media&name=x", {}, "b").status,
            200);
  EXPECT_EQ(server.Send("GET", "/b/godwit.test/o/x?alt=media").body, "b");
  EXPECT_EQ(server.Send("GET", "/v1beta2/projects/godwit/models").status, 401);
}

}  // namespace
}  // namespace godwit::server
