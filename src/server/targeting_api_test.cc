// Which device gets which version: revocations, test devices, golden files, and why.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "digest/digest.h"
#include "protocol/error_body.h"
#include "server/server_under_test.h"
#include "tflite/golden_file.h"

namespace godwit::server {
namespace {

constexpr char kModels[] = "/v1beta2/projects/godwit/models";
constexpr char kFid[] = "cAAAAAAAAAAAAAAAAAAAAA";  // Of ServerUnderTest's installation.

class TargetingApiTest : public ::testing::Test {
 protected:
  // "face" with versions 1, 2, 3, of which `published` is published; 0: none.
  void CreateThree(int published) {
    const Json file = Json::Object({{"gcsTfliteUri", server_.Upload("one", bytes_[0])}});
    const Reply created =
        server_.Admin("POST", kModels,
                      Json::Object({{"displayName", "face"}, {"tfliteModel", file}}).Serialize());
    const std::string name = created.json()["response"]["name"].AsString();
    model_ = std::string(kModels) + name.substr(name.rfind('/'));
    AddVersion(1);
    AddVersion(2);
    if (published != 0) {
      EXPECT_EQ(Publish(published).status, 200);
    }
  }
  // Of the file with this place.
  void AddVersion(size_t file) {
    const Json body = Json::Object(
        {{"tfliteModel", Json::Object({{"gcsTfliteUri", server_.Upload("f", bytes_[file])}})}});
    const Reply reply = server_.Admin(
        "PATCH", model_ + "?updateMask=tfliteModel.gcsTfliteUri&publish=false", body.Serialize());
    EXPECT_TRUE(reply.json()["done"].AsBool()) << reply.body;
  }
  Reply Publish(int version) {
    return server_.Admin("PATCH", model_ + "?updateMask=publishedVersion",
                         Json::Object({{"publishedVersion", version}}).Serialize());
  }
  Reply Revoke(int version, const std::string& body = "") {
    return server_.Admin("POST", model_ + "/versions/" + std::to_string(version) + ":revoke", body);
  }
  Reply Unrevoke(int version) {
    return server_.Admin("POST", model_ + "/versions/" + std::to_string(version) + ":unrevoke");
  }
  Reply Pin(int version, const std::string& fid = kFid) {
    return server_.Admin("PUT", model_ + "/testDevices/" + fid,
                         Json::Object({{"version", version}, {"note", "my desk"}}).Serialize());
  }
  Reply Device(const std::string& address, Headers headers = {}) {
    return server_.Device(std::string(kModels) + "/" + address + ":download", std::move(headers));
  }
  Reply Explain(const std::string& address, const std::string& fid = kFid) {
    return server_.Admin("GET",
                         std::string(kModels) + "/" + address + ":explain?installation=" + fid);
  }
  // The version that the device gets; 0: none.
  int64_t Gets(const std::string& address) {
    return Device(address).json()["modelVersion"].AsInt();
  }

  ServerUnderTest server_;
  const std::string bytes_[3] = {DigitsModel("digits_v1.tflite"), DigitsModel("digits_v2.tflite"),
                                 DigitsModel("digits_v2_int8.tflite")};
  std::string model_;
};

TEST_F(TargetingApiTest, ARevokedVersionGivesWayToTheNewestOlderOne) {
  CreateThree(3);
  ASSERT_EQ(server_.Admin("PUT", model_ + "/aliases/beta", R"({"version":3})").status, 200);
  const std::string held = DigestOf(bytes_[2]).ToHex();
  ASSERT_EQ(Device("face", {{"If-None-Match", held}}).status, 304);
  const Reply revoked = Revoke(3, R"({"reason":"wrong labels"})");
  ASSERT_EQ(revoked.status, 200) << revoked.body;
  EXPECT_EQ(revoked.json()["publishedVersion"].AsInt(), 3) << "an undo restores it";
  EXPECT_EQ(revoked.json()["servedVersion"].AsInt(), 2);
  EXPECT_EQ(Revoke(3).json()["etag"].AsString(), revoked.json()["etag"].AsString());
  for (int round = 0; round < 2; ++round) {
    const Reply fallen = Device("face", {{"If-None-Match", held}});
    EXPECT_EQ(fallen.status, 200);
    EXPECT_EQ(fallen.json()["modelVersion"].AsInt(), 2);
    for (const char* address : {"face@3", "face@beta"}) {
      const Reply reply = Device(address);
      EXPECT_EQ(reply.status, 404) << address;
      EXPECT_EQ(RevokedHashFromErrorBody(reply.body), held) << reply.body;
    }
    const Json version = server_.Admin("GET", model_ + "/versions/3").json();
    EXPECT_EQ(version["revoked"]["reason"].AsString(), "wrong labels");
    EXPECT_NE(version["revoked"]["by"].AsString(), "");
    server_.Restart();
  }
  EXPECT_TRUE(Publish(3).json().Has("error")) << "also where it is the published one already";
  EXPECT_EQ(server_.Admin("DELETE", model_ + "/versions/2").status, 400) << "devices get it";
  ASSERT_EQ(Unrevoke(3).status, 200);
  EXPECT_EQ(Gets("face"), 3);
  EXPECT_EQ(Gets("face@beta"), 3);
  const Json history = server_.Admin("GET", model_ + "/publications").json()["publications"];
  ASSERT_EQ(history.items().size(), 3u);
  EXPECT_EQ(history.items()[0]["action"].AsString(), "unrevoke");
  EXPECT_EQ(history.items()[1]["action"].AsString(), "revoke");
  EXPECT_EQ(history.items()[1]["version"].AsInt(), 3);
  EXPECT_EQ(history.items()[1]["reason"].AsString(), "wrong labels");
}

TEST_F(TargetingApiTest, ADeviceIsToldWhichOfItsFilesWasRevoked) {
  CreateThree(2);
  ASSERT_EQ(Revoke(1).status, 200);
  ASSERT_EQ(Revoke(2).json()["servedVersion"].AsInt(-1), 0);
  const std::string older = DigestOf(bytes_[0]).ToHex();
  EXPECT_EQ(RevokedHashFromErrorBody(Device("face").body), DigestOf(bytes_[1]).ToHex());
  EXPECT_EQ(RevokedHashFromErrorBody(Device("face", {{"If-None-Match", older}}).body), older);
  EXPECT_EQ(RevokedHashFromErrorBody(Device("face@9").body), "");
}

TEST_F(TargetingApiTest, EveryRefusalTellsADeviceThatItsFileWasRevoked) {
  CreateThree(2);
  ASSERT_EQ(server_.Admin("PUT", model_ + "/aliases/beta", R"({"version":2})").status, 200);
  ASSERT_EQ(Revoke(2).status, 200);
  const std::string held = DigestOf(bytes_[1]).ToHex();
  const std::string usable = DigestOf(bytes_[0]).ToHex();
  ASSERT_EQ(server_.Admin("DELETE", model_ + "/aliases/beta").status, 200);
  ASSERT_EQ(server_
                .Admin("PATCH", model_ + "?updateMask=state.published",
                       R"({"state":{"published":false}})")
                .status,
            200);
  for (const char* address : {"face", "face@beta", "face@2", "face@9"}) {
    const Reply reply = Device(address, {{"If-None-Match", held}});
    EXPECT_EQ(reply.status, 404) << address;
    EXPECT_EQ(RevokedHashFromErrorBody(reply.body), held) << address;
    EXPECT_EQ(RevokedHashFromErrorBody(Device(address, {{"If-None-Match", usable}}).body), "");
  }
}

TEST_F(TargetingApiTest, RevokedBytesThatArePushedAgainGoToNoDevice) {
  CreateThree(1);
  const std::string held = DigestOf(bytes_[1]).ToHex();
  ASSERT_EQ(Revoke(2).status, 200);
  AddVersion(1);
  EXPECT_TRUE(Publish(4).json().Has("error"));
  EXPECT_TRUE(server_.Admin("GET", model_ + "/versions/4").json().Has("revoked"));
  const Reply reply = Device("face@4", {{"If-None-Match", held}});
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(RevokedHashFromErrorBody(reply.body), held);
}

TEST_F(TargetingApiTest, ARevokedVersionIsNotGivenToAnybodyByMistake) {
  CreateThree(1);
  ASSERT_EQ(Publish(2).status, 200);
  ASSERT_EQ(Publish(3).status, 200);
  ASSERT_EQ(Revoke(2, R"({"reason":"slow"})").status, 200);
  const Reply refused = Publish(2);
  EXPECT_EQ(refused.json()["error"]["code"].AsInt(), 9) << refused.body;
  EXPECT_NE(refused.body.find("slow"), std::string::npos);
  EXPECT_EQ(server_.Admin("PUT", model_ + "/aliases/beta", R"({"version":2})").status, 400);
  EXPECT_EQ(Pin(2).status, 400);
  EXPECT_EQ(server_.Admin("POST", model_ + ":rollback", R"({"toVersion":2})").status, 400);
  const Reply back = server_.Admin("POST", model_ + ":rollback");
  EXPECT_EQ(back.json()["publishedVersion"].AsInt(), 1) << back.body;
  // The same bytes again do not bring it back.
  ASSERT_EQ(Revoke(3).status, 200);
  const Json body = Json::Object(
      {{"tfliteModel", Json::Object({{"gcsTfliteUri", server_.Upload("f", bytes_[2])}})}});
  server_.Admin("PATCH", model_ + "?updateMask=tfliteModel.gcsTfliteUri", body.Serialize());
  EXPECT_EQ(Gets("face"), 1);
  EXPECT_EQ(Revoke(9).status, 404);
  EXPECT_EQ(Revoke(1, R"({"reason":"two\nlines"})").status, 400);
}

TEST_F(TargetingApiTest, ATestDeviceGetsItsOwnVersion) {
  CreateThree(0);
  EXPECT_EQ(Device("face").status, 404);
  const Reply pinned = Pin(3);
  ASSERT_EQ(pinned.status, 200) << pinned.body;
  EXPECT_EQ(Gets("face"), 3) << "also of a model that nobody else sees";
  ASSERT_EQ(Publish(1).status, 200);
  server_.Restart();
  EXPECT_EQ(Gets("face"), 3);
  EXPECT_EQ(Gets("f%61ce"), 3) << "the slow way, too";
  const std::string hash = DigestOf(bytes_[2]).ToHex();
  EXPECT_EQ(Device("face", {{"If-None-Match", hash}}).status, 304);
  EXPECT_EQ(Gets("face@1"), 1) << "an exact version is exact";
  ASSERT_EQ(server_.Admin("PUT", model_ + "/aliases/beta", R"({"version":2})").status, 200);
  EXPECT_EQ(Gets("face@beta"), 3);
  EXPECT_EQ(server_.Admin("DELETE", model_ + "/versions/3").status, 400);
  const Json list = server_.Admin("GET", model_ + "/testDevices").json()["testDevices"];
  ASSERT_EQ(list.items().size(), 1u);
  EXPECT_EQ(list.items()[0]["installation"].AsString(), kFid);
  EXPECT_EQ(list.items()[0]["note"].AsString(), "my desk");
  ASSERT_EQ(Revoke(3).status, 200);
  EXPECT_EQ(Gets("face"), 1) << "a revoked version goes to no device";
  ASSERT_EQ(Unrevoke(3).status, 200);
  EXPECT_EQ(Gets("face"), 3);
  ASSERT_EQ(server_.Admin("DELETE", model_ + "/testDevices/" + kFid).body, "{}");
  EXPECT_EQ(Gets("face"), 1);
  EXPECT_EQ(server_.Admin("DELETE", model_ + "/testDevices/" + kFid).status, 404);
  EXPECT_EQ(Pin(3, "fAAAAAAAAAAAAAAAAAAAAA").status, 404) << "no such installation";
  EXPECT_EQ(Pin(9).status, 404);
}

TEST_F(TargetingApiTest, ADeletedInstallationIsNoTestDeviceAnyMore) {
  CreateThree(1);
  const Json body = Json::Object({{"appId", server_.app_id()}, {"authVersion", "FIS_v2"}});
  const Headers key = {{"x-goog-api-key", server_.api_key()}};
  const Json made =
      server_.Send("POST", "/v1/projects/godwit/installations", key, body.Serialize()).json();
  const std::string fid = made["fid"].AsString();
  ASSERT_EQ(Pin(2, fid).status, 200);
  Headers own = key;
  own.push_back({"Authorization", "FIS_v2 " + made["refreshToken"].AsString()});
  ASSERT_EQ(server_.Send("DELETE", "/v1/projects/godwit/installations/" + fid, own).status, 200);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(
        server_.Admin("GET", model_ + "/testDevices").json()["testDevices"].items().empty());
    server_.Restart();
  }
  EXPECT_EQ(server_.Admin("DELETE", model_).status, 200);
}

TEST_F(TargetingApiTest, AGoldenFileTravelsWithItsVersion) {
  CreateThree(1);
  tflite::GoldenCase golden_case;
  golden_case.name = "zero";
  const std::string golden = tflite::EncodeGoldenFile({golden_case});
  const auto put = [&](const std::string& uri) {
    return server_.Admin("PUT", model_ + "/versions/1/golden",
                         Json::Object({{"gcsGoldenUri", uri}}).Serialize());
  };
  const Reply set = put(server_.Upload("golden", golden));
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json()["golden"]["sha256"].AsString(), DigestOf(golden).ToHex());
  server_.Restart();
  const Json given = Device("face").json()["golden"];
  EXPECT_EQ(given["hash"].AsString(), DigestOf(golden).ToHex());
  EXPECT_EQ(given["sizeBytes"].AsString(), std::to_string(golden.size()));
  EXPECT_EQ(server_.Send("GET", given["uri"].AsString()).body, golden);
  EXPECT_EQ(put(server_.Upload("no-golden", "GWGX")).status, 400);
  EXPECT_EQ(put("gs://godwit.test/absent").status, 404);
  EXPECT_EQ(put("https://elsewhere/x").status, 400);
  EXPECT_EQ(server_.Admin("DELETE", model_ + "/versions/1/golden").body, "{}");
  EXPECT_FALSE(Device("face").json().Has("golden"));
}

TEST_F(TargetingApiTest, ExplainsEachRule) {
  CreateThree(2);
  ASSERT_EQ(Pin(3).status, 200);
  const Json pinned = Explain("face").json();
  EXPECT_EQ(pinned["rule"].AsString(), "testDevice");
  EXPECT_EQ(pinned["version"].AsInt(), 3);
  EXPECT_EQ(pinned["installation"]["appId"].AsString(), server_.app_id());
  ASSERT_EQ(Revoke(3, R"({"reason":"crashes"})").status, 200);
  ASSERT_EQ(Revoke(2).status, 200);
  const Json fallen = Explain("face").json();
  EXPECT_EQ(fallen["rule"].AsString(), "revoked");
  EXPECT_EQ(fallen["version"].AsInt(), 1);
  std::string rules;
  for (const Json& step : fallen["steps"].items()) {
    rules += step["rule"].AsString() + " " + step["verdict"].AsString() + " " +
             std::to_string(step["version"].AsInt()) + "; ";
  }
  EXPECT_EQ(rules,
            "model passed 0; testDevice passed 3; published chosen 2; revoked refused 2; revoked "
            "chosen 1; ");
  EXPECT_NE(fallen["steps"].items()[1]["reason"].AsString().find("crashes"), std::string::npos);
  EXPECT_TRUE(Explain("face@none").json().Has("error"));
  EXPECT_TRUE(Explain("nose").json().Has("error"));
  EXPECT_EQ(Explain("face", "fAAAAAAAAAAAAAAAAAAAAA").status, 404);
  EXPECT_EQ(Explain("face", "").status, 404) << "an empty id is none, not the lack of one";
  EXPECT_EQ(Explain("face@").status, 400);
}

TEST_F(TargetingApiTest, ExplainsWhatTheDeviceLastTold) {
  CreateThree(2);
  ASSERT_FALSE(Explain("face").json()["installation"].Has("held"));
  const std::string held = DigestOf(bytes_[0]).ToHex();
  Device("face", {{"If-None-Match", held}, {"X-Godwit-Context", "os=linux;tier=paid"}});
  const Json device = Explain("face").json()["installation"];
  EXPECT_EQ(device["held"]["modelHash"].AsString(), held) << device.Serialize();
  EXPECT_EQ(device["held"]["version"].AsInt(), 1);
  EXPECT_EQ(device["context"]["tier"].AsString(), "paid");
  EXPECT_TRUE(device.Has("lastSeenTime"));
}

TEST_F(TargetingApiTest, ExplainsWhatTheDeviceGetsWhateverHappened) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  CreateThree(0);
  const auto version = [&] { return static_cast<int>(random() % 4) + 1; };
  const std::string alias = model_ + "/aliases/beta";
  std::set<int64_t> seen;
  for (int step = 0; step < 60; ++step) {
    switch (random() % 9) {
      case 0:
      case 1:
        Publish(version());
        break;
      case 2:
        Revoke(version());
        break;
      case 3:
      case 4:
        Unrevoke(version());
        break;
      case 5:
        Pin(version());
        break;
      case 6:
        server_.Admin("DELETE", model_ + "/testDevices/" + kFid);
        break;
      case 7:
        server_.Admin("PUT", alias, Json::Object({{"version", version()}}).Serialize());
        break;
      default:
        server_.Admin("PATCH", model_ + "?updateMask=state.published",
                      R"({"state":{"published":false}})");
    }
    if (step == 30) server_.Restart();
    for (const char* address : {"face", "face@1", "face@3", "face@beta", "f%61ce"}) {
      const Json why = Explain(address).json();
      const Reply got = Device(address);
      EXPECT_EQ(why["version"].AsInt(), got.json()["modelVersion"].AsInt())
          << "step " << step << ", " << address << ": " << why.Serialize() << got.body;
      EXPECT_EQ(why["modelHash"].AsString(), got.Header("ETag"));
      EXPECT_EQ(got.status, why.Has("version") ? 200 : 404);
      seen.insert(got.json()["modelVersion"].AsInt());
    }
  }
  EXPECT_GE(seen.size(), 3u) << "the steps did not change much";
}

}  // namespace
}  // namespace godwit::server
