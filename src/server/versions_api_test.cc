// What we have beside Firebase's models: versions, aliases, rollbacks, validation that outlives
// its request.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest/digest.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kModels[] = "/v1beta2/projects/godwit/models";

std::string WithFile(const std::string& name, const std::string& uri) {
  return Json::Object(
             {{"displayName", name}, {"tfliteModel", Json::Object({{"gcsTfliteUri", uri}})}})
      .Serialize();
}

class VersionsApiTest : public ::testing::Test {
 protected:
  explicit VersionsApiTest(ServerConfig config = {}) : server_(std::move(config)) {}

  // A published model with the versions 1 and 2; 1 is published.
  std::string CreateTwoVersions() {
    const std::string path = std::string(kModels) + "/" + server_.CreatePublished("face", v1_);
    const Reply reply =
        server_.Admin("PATCH", path + "?updateMask=tfliteModel.gcsTfliteUri&publish=false",
                      WithFile("face", server_.Upload("two", v2_)));
    EXPECT_EQ(reply.json()["response"]["latestVersion"].AsInt(), 2) << reply.body;
    return path;
  }
  Reply Publish(const std::string& path, int version) {
    return server_.Admin("PATCH", path + "?updateMask=publishedVersion",
                         Json::Object({{"publishedVersion", version}}).Serialize());
  }
  Reply Device(const std::string& address, Headers headers = {}) {
    return server_.Device(std::string(kModels) + "/" + address + ":download", std::move(headers));
  }

  ServerUnderTest server_;
  const std::string v1_ = DigitsModel("digits_v1.tflite");
  const std::string v2_ = DigitsModel("digits_v2.tflite");
};

TEST_F(VersionsApiTest, ADeviceFollowsAnAlias) {
  const std::string path = CreateTwoVersions();
  const std::string id = path.substr(path.rfind('/') + 1);
  EXPECT_EQ(Device("face@stable").status, 404);
  const Reply set = server_.Admin("PUT", path + "/aliases/stable", R"({"version":2})");
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json()["aliases"]["stable"].AsInt(), 2);
  const std::string hash = DigestOf(v2_).ToHex();
  for (const std::string& address : {std::string("face@stable"), id + "@stable",
                                     std::string("face%40stable"), std::string("f%61ce@stable")}) {
    EXPECT_EQ(Device(address).Header("ETag"), hash) << address;
    EXPECT_EQ(Device(address).json()["modelVersion"].AsInt(), 2);
    EXPECT_EQ(Device(address, {{"If-None-Match", hash}}).status, 304);
  }
  EXPECT_EQ(Device("face").json()["modelVersion"].AsInt(), 1);
  EXPECT_EQ(server_.Admin("PUT", path + "/aliases/stable", R"({"version":"1"})").status, 200);
  EXPECT_EQ(Device("face@stable").json()["modelVersion"].AsInt(), 1);
  server_.Restart();
  EXPECT_EQ(Device("face@stable").json()["modelVersion"].AsInt(), 1);
  EXPECT_EQ(server_.Admin("DELETE", path + "/aliases/stable").body, "{}");
  EXPECT_EQ(Device("face@stable").status, 404);
  EXPECT_EQ(server_.Admin("DELETE", path + "/aliases/stable").status, 404);
  EXPECT_FALSE(server_.Admin("GET", path).json().Has("aliases"));
}

TEST_F(VersionsApiTest, RollsBackAndTellsTheHistory) {
  const std::string path = CreateTwoVersions();
  EXPECT_EQ(Publish(path, 2).json()["response"]["rollbackVersion"].AsInt(), 1);
  for (int i = 0; i < 2; ++i) {
    const Reply reply = server_.Admin("POST", path + ":rollback", R"({"fromVersion":2})");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["publishedVersion"].AsInt(), 1) << "sent again it does no more";
  }
  EXPECT_EQ(Device("face").Header("ETag"), DigestOf(v1_).ToHex());
  const Reply none = server_.Admin("POST", path + ":rollback");
  EXPECT_EQ(none.status, 400) << none.body;
  EXPECT_EQ(none.json()["error"]["status"].AsString(), "FAILED_PRECONDITION");

  const Json page = server_.Admin("GET", path + "/publications?pageSize=2").json();
  ASSERT_EQ(page["publications"].items().size(), 2u);
  const Json newest = page["publications"].items()[0];
  EXPECT_EQ(newest["action"].AsString(), "rollback");
  EXPECT_EQ(newest["version"].AsInt(), 1);
  EXPECT_EQ(newest["by"].AsString(), server_.admin_file()["client_email"].AsString());
  EXPECT_EQ(newest["time"].AsString(), "2026-01-02T03:04:05.678000Z");
  const Json rest =
      server_
          .Admin("GET",
                 path + "/publications?pageSize=2&pageToken=" + page["nextPageToken"].AsString())
          .json();
  EXPECT_EQ(rest["publications"].items().size(), 1u);
  EXPECT_FALSE(rest.Has("nextPageToken"));
}

TEST_F(VersionsApiTest, DeletesAVersionThatNothingPointsTo) {
  const std::string path = CreateTwoVersions();
  EXPECT_EQ(server_.Admin("DELETE", path + "/versions/1").status, 400) << "published";
  EXPECT_EQ(server_.Admin("DELETE", path + "/versions/2").status, 400) << "latest";
  EXPECT_EQ(Publish(path, 2).status, 200);
  EXPECT_EQ(server_.Admin("DELETE", path + "/versions/1").status, 400) << "the way back";
  EXPECT_EQ(server_
                .Admin("PATCH", path + "?updateMask=tfliteModel.gcsTfliteUri",
                       WithFile("face", "gs://godwit.test/face"))
                .status,
            200);
  EXPECT_EQ(server_.Admin("DELETE", path + "/versions/1").body, "{}");
  EXPECT_EQ(server_.Admin("GET", path + "/versions/1").status, 404);
  EXPECT_EQ(Device("face@1").status, 404);
  EXPECT_EQ(Device("face@3").Header("ETag"), DigestOf(v1_).ToHex());
}

TEST_F(VersionsApiTest, RefusesWhatIsWrong) {
  const std::string path = CreateTwoVersions();
  const std::string missing = std::string(kModels) + "/00000000";
  const struct {
    const char* what;
    std::string method, path, body;
    int status;
  } rows[] = {
      {"a version of none", "GET", path + "/versions/3", "", 404},
      {"a version that is no number", "GET", path + "/versions/x", "", 400},
      {"an alias of digits", "PUT", path + "/aliases/7", R"({"version":1})", 400},
      {"an alias in capitals", "PUT", path + "/aliases/Stable", R"({"version":1})", 400},
      {"an alias of no version", "PUT", path + "/aliases/stable", R"({"version":3})", 404},
      {"an alias without a version", "PUT", path + "/aliases/stable", "{}", 400},
      {"an alias of a text", "PUT", path + "/aliases/stable", R"({"version":"x"})", 400},
      {"no JSON", "PUT", path + "/aliases/stable", "{", 400},
      {"an alias of no model", "PUT", missing + "/aliases/stable", R"({"version":1})", 404},
      {"a rollback of no model", "POST", missing + ":rollback", "", 404},
      {"a rollback of a name", "POST", std::string(kModels) + "/face:rollback", "", 400},
      {"a rollback from another", "POST", path + ":rollback", R"({"fromVersion":2})", 400},
      {"a rollback from nothing", "POST", path + ":rollback", R"({"fromVersion":0})", 400},
      {"a rollback to none", "POST", path + ":rollback", R"({"toVersion":9})", 400},
      {"a rollback that is no object", "POST", path + ":rollback", "[]", 400},
      {"a rollback with a wrong type", "POST", path + ":rollback", R"({"toVersion":true})", 400},
      {"a get of a rollback", "GET", path + ":rollback", "", 404},
      {"history of no model", "GET", missing + "/publications", "", 404},
      {"a wrong page", "GET", path + "/publications?pageToken=x", "", 400},
      {"a wrong page size", "GET", path + "/versions?pageSize=101", "", 400},
      {"no such resource", "GET", path + "/colors", "", 404},
      {"nothing below an alias", "GET", path + "/aliases/stable/x", "", 404},
  };
  for (const auto& row : rows) {
    const Reply reply = server_.Admin(row.method, row.path, row.body);
    EXPECT_EQ(reply.status, row.status) << row.what << ": " << reply.body;
    EXPECT_NE(reply.json()["error"]["message"].AsString(), "") << row.what;
  }
  EXPECT_FALSE(server_.Admin("GET", path).json().Has("aliases"));
}

ServerConfig EverythingInTheBackground() {
  ServerConfig config;
  config.verify_at_once_max_bytes = 0;
  return config;
}

// A blob that cannot be read until Release: a pipe stands in its place, and who opens it waits.
class HeldBlob {
 public:
  HeldBlob(const std::string& folder, const std::string& bytes) {
    const std::string hex = DigestOf(bytes).ToHex();
    path_ = folder + "/blobs/" + hex.substr(0, 2) + "/" + hex.substr(2, 2) + "/" + hex;
    EXPECT_TRUE(fs_->Rename(path_, path_ + "-aside").ok());
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
  }
  ~HeldBlob() {
    Release();
    if (writer_ >= 0) close(writer_);
  }
  void Release() {
    if (path_.empty()) return;
    const std::string pipe = path_ + "-pipe";
    EXPECT_TRUE(fs_->Rename(path_, pipe).ok());
    EXPECT_TRUE(fs_->Rename(path_ + "-aside", path_).ok());
    // Lets the reader go on; it finds another length and tries again. Does not wait for one that
    // never came, and stays open for one that is just opening the pipe.
    writer_ = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    unlink(pipe.c_str());
    path_.clear();
  }

 private:
  const std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  std::string path_;
  int writer_ = -1;
};

class BackgroundApiTest : public VersionsApiTest {
 protected:
  BackgroundApiTest() : VersionsApiTest(EverythingInTheBackground()) {}

  // The operation once it is done.
  Json WaitFor(const std::string& operation_name) {
    for (int i = 0; i < 2000; ++i) {
      const Reply reply = server_.Admin("GET", "/v1beta2/" + operation_name);
      EXPECT_EQ(reply.status, 200) << reply.body;
      if (reply.json()["done"].AsBool() || reply.status != 200) return reply.json();
      usleep(5000);
    }
    ADD_FAILURE() << "the operation has no end";
    return Json();
  }
};

TEST_F(BackgroundApiTest, ABigFileIsVerifiedBehindTheAnswer) {
  const std::string uri = server_.Upload("face", v1_);
  HeldBlob held(server_.folder(), v1_);
  const Json operation = server_.Admin("POST", kModels, WithFile("face", uri)).json();
  EXPECT_FALSE(operation["done"].AsBool());
  EXPECT_FALSE(operation.Has("response"));
  const Json metadata = operation["metadata"];
  EXPECT_EQ(metadata["@type"].AsString(),
            "type.googleapis.com/google.firebase.ml.v1beta2.ModelOperationMetadata");
  EXPECT_EQ(metadata["basicOperationStatus"].AsString(), "BASIC_OPERATION_STATUS_VERIFYING");
  const std::string name = metadata["name"].AsString();
  const std::string path = "/v1beta2/" + name;

  const Json locked = server_.Admin("GET", path).json();
  EXPECT_EQ(locked["name"].AsString(), name);
  EXPECT_EQ(locked["activeOperations"].items().at(0)["name"], operation["name"]);
  EXPECT_FALSE(locked.Has("modelHash"));
  for (const auto& [mask, body] : {std::pair("state.published", R"({"state":{"published":true}})"),
                                   std::pair("tags", R"({"tags":["a"]})")}) {
    const Reply reply = server_.Admin("PATCH", path + "?updateMask=" + mask, body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["error"]["code"].AsInt(), 9) << reply.body;
  }
  const Reply deleted = server_.Admin("DELETE", path);
  EXPECT_EQ(deleted.status, 400) << deleted.body;
  EXPECT_EQ(deleted.json()["error"]["status"].AsString(), "FAILED_PRECONDITION");

  held.Release();
  const Json done = WaitFor(operation["name"].AsString());
  EXPECT_EQ(done["name"], operation["name"]);
  EXPECT_EQ(done["response"]["modelHash"].AsString(), DigestOf(v1_).ToHex());
  EXPECT_FALSE(done["response"].Has("activeOperations"));
  EXPECT_FALSE(server_.Admin("GET", path).json().Has("activeOperations"));
  EXPECT_EQ(server_.Admin("DELETE", path).status, 200);
}

TEST_F(BackgroundApiTest, AnInvalidFileEndsItsOperationWithoutAnError) {
  const std::string uri = server_.Upload("bad", "no model");
  const Json operation = server_.Admin("POST", kModels, WithFile("bad", uri)).json();
  const Json done = WaitFor(operation["name"].AsString());
  EXPECT_EQ(done["response"]["state"]["validationError"]["message"].AsString(),
            "Invalid flatbuffer format");
}

TEST_F(BackgroundApiTest, APublishThatTheFileDoesNotBearEndsInAnError) {
  const std::string id = "models/" + [&] {
    const Json created =
        server_.Admin("POST", kModels, R"({"displayName":"face"})").json()["response"];
    const std::string name = created["name"].AsString();
    return name.substr(name.rfind('/') + 1);
  }();
  const Json operation =
      server_
          .Admin("PATCH",
                 "/v1beta2/projects/godwit/" + id +
                     "?updateMask=tfliteModel.gcsTfliteUri,state.published",
                 R"({"tfliteModel":{"gcsTfliteUri":")" + server_.Upload("bad", "no model") +
                     R"("},"state":{"published":true}})")
          .json();
  const Json done = WaitFor(operation["name"].AsString());
  EXPECT_EQ(done["error"]["code"].AsInt(), 9);
  EXPECT_EQ(done["error"]["message"].AsString(), "Cannot publish a model that is not verified.");
}

TEST_F(BackgroundApiTest, ARestartResumesWhatWasUnderWay) {
  const std::string uri = server_.Upload("face", v1_);
  HeldBlob held(server_.folder(), v1_);
  const Json operation = server_.Admin("POST", kModels, WithFile("face", uri)).json();
  EXPECT_FALSE(operation["done"].AsBool());
  held.Release();
  server_.Restart();
  const Json done = WaitFor(operation["name"].AsString());
  EXPECT_EQ(done["response"]["latestVersion"].AsInt(), 1);
}

}  // namespace
}  // namespace godwit::server
