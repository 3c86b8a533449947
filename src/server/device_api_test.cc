// What a device sees: `:download`, links, installations.
#include <gtest/gtest.h>

#include "digest/digest.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kFace[] = "/v1beta2/projects/godwit/models/face:download";
constexpr int64_t kHourMs = 3600 * 1000;

class DeviceApiTest : public ::testing::Test {
 protected:
  ServerUnderTest server_;
  const std::string v1_ = DigitsModel("digits_v1.tflite");
  const std::string v2_ = DigitsModel("digits_v2.tflite");
};

TEST_F(DeviceApiTest, GetsAPublishedModelAndThen304) {
  server_.CreatePublished("face", v1_);
  const Reply reply = server_.Device(kFace);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string hash = DigestOf(v1_).ToHex();
  EXPECT_EQ(reply.Header("ETag"), hash) << "raw, without quotes";
  EXPECT_TRUE(reply.json()["sizeBytes"].is_string());
  EXPECT_EQ(reply.json()["sizeBytes"].AsInt(), static_cast<int64_t>(v1_.size()));
  EXPECT_EQ(reply.json()["modelFormat"].AsString(), "TFLITE");
  EXPECT_EQ(reply.json()["modelVersion"].AsInt(), 1);
  // The start is 2026-01-02T03:04:05.678Z: 24 hours on, rounded up to the hour.
  EXPECT_EQ(reply.json()["expireTime"].AsString(), "2026-01-03T04:00:00.000Z");
  const Reply file = server_.Send("GET", reply.json()["downloadUri"].AsString());
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.body, v1_);
  EXPECT_EQ(file.Header("ETag"), '"' + hash + '"');

  for (const std::string& etag : {hash, '"' + hash + '"'}) {
    const Reply same = server_.Device(kFace, {{"If-None-Match", etag}});
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.Header("ETag"), hash);
    EXPECT_EQ(same.body, "");
  }
  EXPECT_EQ(server_.Device(kFace, {{"If-None-Match", "other"}}).status, 200);
}

TEST_F(DeviceApiTest, EveryFormOfTheAddressLeadsToTheModel) {
  const std::string id = server_.CreatePublished("face", v1_);
  const std::string number = server_.app_id().substr(2, server_.app_id().find(':', 2) - 2);
  const std::string projects[] = {"godwit", number};
  const std::string names[] = {"face", id, "face@1", "face%401", id + "@1", "f%61ce"};
  for (const std::string& project : projects) {
    for (const std::string& name : names) {
      const std::string path = "/v1beta2/projects/" + project + "/models/" + name + ":download";
      const Reply reply = server_.Device(path);
      EXPECT_EQ(reply.status, 200) << path << reply.body;
      EXPECT_EQ(reply.Header("ETag"), DigestOf(v1_).ToHex());
    }
  }
}

TEST_F(DeviceApiTest, ADisplayNameWinsOverAnId) {
  const std::string id = server_.CreatePublished("face", v1_);
  server_.CreatePublished(id, v2_);  // A model whose name is the other's id.
  const std::string models = "/v1beta2/projects/godwit/models/";
  for (const char* suffix : {":download", "@1:download", "%401:download"}) {
    EXPECT_EQ(server_.Device(models + id + suffix).Header("ETag"), DigestOf(v2_).ToHex()) << suffix;
  }
  EXPECT_EQ(server_.Device(kFace).Header("ETag"), DigestOf(v1_).ToHex());
}

TEST_F(DeviceApiTest, SeesAPublishBeforeItsReplyIsRead) {
  const std::string id = server_.CreatePublished("face", v1_);
  const std::string model = "/v1beta2/projects/godwit/models/" + id;
  const std::string file =
      R"({"tfliteModel":{"gcsTfliteUri":")" + server_.Upload("f", v2_) + "\"}}";
  const std::string mask = model + "?updateMask=tfliteModel.gcsTfliteUri";
  EXPECT_EQ(server_.Admin("PATCH", mask + "&publish=false", file).status, 200);
  EXPECT_EQ(server_.Device(kFace).Header("ETag"), DigestOf(v1_).ToHex());
  EXPECT_EQ(server_.Device("/v1beta2/projects/godwit/models/face@2:download").Header("ETag"),
            DigestOf(v2_).ToHex());
  EXPECT_EQ(
      server_
          .Admin("PATCH", model + "?updateMask=state.published", R"({"state":{"published":true}})")
          .status,
      200);
  EXPECT_EQ(server_.Device(kFace).Header("ETag"), DigestOf(v2_).ToHex());
  EXPECT_EQ(
      server_.Admin("PATCH", model + "?updateMask=publishedVersion", R"({"publishedVersion":1})")
          .status,
      200);
  EXPECT_EQ(server_.Device(kFace).Header("ETag"), DigestOf(v1_).ToHex());
  EXPECT_EQ(
      server_
          .Admin("PATCH", model + "?updateMask=state.published", R"({"state":{"published":false}})")
          .status,
      200);
  EXPECT_EQ(server_.Device(kFace).status, 404);
}

TEST_F(DeviceApiTest, HidesEveryVersionOfAModelThatIsNotPublished) {
  const std::string id = server_.CreatePublished("face", v1_);
  const std::string version = "/v1beta2/projects/godwit/models/face@1:download";
  EXPECT_EQ(server_.Device(version).status, 200);
  EXPECT_EQ(
      server_
          .Admin("PATCH", "/v1beta2/projects/godwit/models/" + id + "?updateMask=state.published",
                 R"({"state":{"published":false}})")
          .status,
      200);
  EXPECT_EQ(server_.Device(version).status, 404);
}

TEST_F(DeviceApiTest, RefusesBadCredentialsAsFirebaseDoes) {
  server_.CreatePublished("face", v1_);
  const HttpHeader key{"X-Goog-Api-Key", server_.api_key()};
  const HttpHeader token{"x-goog-firebase-installations-auth", server_.installation_token()};
  std::string forged = server_.installation_token();
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  const struct {
    const char* what;
    Headers headers;
    const char* path;
    int status;
  } rows[] = {
      {"all is well", {key, token}, kFace, 200},
      {"no key", {token}, kFace, 403},
      {"a wrong key", {{"x-goog-api-key", "AIza" + std::string(35, 'x')}, token}, kFace, 403},
      {"no token", {key}, kFace, 401},
      {"nonsense for a token", {key, {token.name, "a.b.c"}}, kFace, 401},
      {"a forged token", {key, {token.name, forged}}, kFace, 401},
      {"another project", {key, token}, "/v1beta2/projects/others/models/face:download", 403},
      {"no such model", {key, token}, "/v1beta2/projects/godwit/models/fac:download", 404},
      {"no such version", {key, token}, "/v1beta2/projects/godwit/models/face@9:download", 404},
      {"no such alias", {key, token}, "/v1beta2/projects/godwit/models/face@beta:download", 404},
      {"no name", {key, token}, "/v1beta2/projects/godwit/models/:download", 401},
      {"no address", {key, token}, "/v1beta2/projects/godwit/models/a%2Fb:download", 400},
      {"a line break", {key, token}, "/v1beta2/projects/godwit/models/a%0Ab:download", 400},
      {"no UTF-8", {key, token}, "/v1beta2/projects/godwit/models/%C0%AF:download", 400},
      {"a broken escape", {key, token}, "/v1beta2/projects/godwit/models/%zz:download", 400},
  };
  for (const auto& row : rows) {
    const Reply reply = server_.Send("GET", row.path, row.headers);
    EXPECT_EQ(reply.status, row.status) << row.what << ": " << reply.body;
    if (row.status == 200) continue;
    EXPECT_EQ(reply.json()["error"]["code"].AsInt(), row.status) << row.what;
    EXPECT_NE(reply.json()["error"]["message"].AsString(), "") << row.what;
  }
  const Reply query = server_.Send("GET", kFace + ("?key=" + server_.api_key()), {token});
  EXPECT_EQ(query.status, 200) << "the key may be in the query";
}

TEST_F(DeviceApiTest, AnExpiredTokenIs401) {
  server_.CreatePublished("face", v1_);
  server_.clock().Advance(8 * 24 * kHourMs);
  EXPECT_EQ(server_.Device(kFace).status, 401);
}

TEST_F(DeviceApiTest, LinksEndAndCannotBeChanged) {
  server_.CreatePublished("face", v1_);
  const std::string link = server_.Device(kFace).json()["downloadUri"].AsString();
  EXPECT_EQ(server_.Send("GET", link).status, 200);
  std::string forged = link;
  forged.replace(forged.find("exp=") + 4, 1, "9");
  EXPECT_EQ(server_.Send("GET", forged).status, 403);
  EXPECT_EQ(server_.Send("GET", link.substr(0, link.find('?'))).status, 403);
  std::string other = link;
  other[link.find("sha256/") + 7] = link[link.find("sha256/") + 7] == 'a' ? 'b' : 'a';
  EXPECT_EQ(server_.Send("GET", other).status, 403);
  server_.clock().Advance(24 * kHourMs - 1);
  EXPECT_EQ(server_.Send("GET", link).status, 200) << "a link lives for a day at least";
  server_.clock().Advance(kHourMs);
  EXPECT_EQ(server_.Send("GET", link).status, 400) << "what clients take for an expired link";
}

TEST_F(DeviceApiTest, MakesNewLinksWhenTheHourChanges) {
  server_.CreatePublished("face", v1_);
  const Json first = server_.Device(kFace).json();
  EXPECT_EQ(server_.Device(kFace).json(), first);
  server_.clock().Advance(kHourMs);
  const Json next = server_.Device(kFace).json();
  EXPECT_NE(next["downloadUri"].AsString(), first["downloadUri"].AsString());
  EXPECT_EQ(server_.Send("GET", next["downloadUri"].AsString()).body, v1_);
}

TEST_F(DeviceApiTest, ServesPartsOfABlob) {
  server_.CreatePublished("face", v1_);
  const std::string link = server_.Device(kFace).json()["downloadUri"].AsString();
  for (int round = 0; round < 2; ++round) {  // From a worker first, then from the loop.
    const Reply part = server_.Send("GET", link, {{"Range", "bytes=100-"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, v1_.substr(100));
    EXPECT_EQ(part.Header("Cache-Control"), "public, max-age=86400, immutable");
  }
  const Reply whole = server_.Send("GET", link, {{"Range", "bytes=100-"}, {"If-Range", "\"x\""}});
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(server_.Send("GET", link, {{"Range", "bytes=999999-"}}).status, 416);
}

TEST_F(DeviceApiTest, InstallationsLiveAndEndAsFirebases) {
  const std::string base = "/v1/projects/godwit/installations";
  const Headers key = {{"x-goog-api-key", server_.api_key()}};
  const std::string body = R"({"fid":"dAAAAAAAAAAAAAAAAAAAAA","appId":")" + server_.app_id() +
                           R"(","authVersion":"FIS_v2","sdkVersion":"i:10"})";
  const Reply created = server_.Send("POST", base, key, body);
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(created.json()["fid"].AsString(), "dAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(created.json()["authToken"]["expiresIn"].AsString(), "604800s");
  const std::string path = base + "/dAAAAAAAAAAAAAAAAAAAAA";
  const HttpHeader refresh{"Authorization", "FIS_v2 " + created.json()["refreshToken"].AsString()};
  const Reply token = server_.Send("POST", path + "/authTokens:generate", {key[0], refresh}, "{}");
  EXPECT_EQ(token.status, 200) << token.body;
  EXPECT_NE(token.json()["token"].AsString(), "");
  EXPECT_EQ(server_
                .Send("POST", path + "/authTokens:generate",
                      {key[0], {"Authorization", "FIS_v2 wrong"}}, "{}")
                .status,
            401);
  const Reply deleted = server_.Send("DELETE", path + "/", {key[0], refresh}, "{}");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body, "{}");
  EXPECT_EQ(server_.Send("POST", path + "/authTokens:generate", {key[0], refresh}, "{}").status,
            401);
  // Never 401 or 404 here: clients would throw their identity away.
  EXPECT_EQ(server_.Send("POST", base, {{"x-goog-api-key", "wrong"}}, body).status, 400);
  EXPECT_EQ(server_.Send("POST", base, key, "{").status, 400);
}

TEST(DeviceApi, TheTokenIsOptionalWhereTheOwnerSaysSo) {
  ServerConfig config;
  config.require_installation_token = false;
  ServerUnderTest server(config);
  server.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  const HttpHeader key{"x-goog-api-key", server.api_key()};
  EXPECT_EQ(server.Send("GET", kFace, {key}).status, 200);
  EXPECT_EQ(
      server.Send("GET", kFace, {key, {"X-Goog-Firebase-Installations-Auth", "a.b.c"}}).status,
      401);
}

}  // namespace
}  // namespace godwit::server
