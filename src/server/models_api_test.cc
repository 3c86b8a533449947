// What an administrator's SDK sees: tokens, models, versions, operations.
#include <gtest/gtest.h>

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

class ModelsApiTest : public ::testing::Test {
 protected:
  // The model of a done operation.
  Json Response(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_TRUE(reply.json()["done"].AsBool()) << reply.body;
    return reply.json()["response"];
  }
  Json Create(const std::string& body) { return Response(server_.Admin("POST", kModels, body)); }
  static std::string PathOf(const Json& model) { return "/v1beta2/" + model["name"].AsString(); }

  ServerUnderTest server_;
  const std::string v1_ = DigitsModel("digits_v1.tflite");
  const std::string v2_ = DigitsModel("digits_v2.tflite");
};

TEST_F(ModelsApiTest, CreatesWithoutAFile) {
  const Json model = Create(R"({"displayName":"face","tags":["a","b"],"name":"x","etag":"9"})");
  EXPECT_EQ(model["@type"].AsString(), "type.googleapis.com/google.firebase.ml.v1beta2.Model");
  EXPECT_EQ(model["state"]["validationError"]["message"].AsString(),
            "No model file has been uploaded.");
  EXPECT_FALSE(model["state"]["published"].AsBool());
  EXPECT_EQ(model["createTime"].AsString(), "2026-01-02T03:04:05.678000Z");
  EXPECT_NE(model["etag"].AsString(), "9") << "output-only fields are ignored";
  EXPECT_FALSE(model.Has("tfliteModel"));
  EXPECT_EQ(model["tags"].items().size(), 2u);
  // The very same strings come back from get.
  Json got = server_.Admin("GET", PathOf(model)).json();
  got.Set("@type", model["@type"]);
  EXPECT_EQ(got.members().size(), model.members().size());
  for (const auto& [name, value] : model.members()) EXPECT_EQ(got[name], value) << name;
}

TEST_F(ModelsApiTest, CreatesWithAValidFile) {
  server_.Upload("Firebase%2FML%2FModels%2Fface.tflite", v1_);
  const std::string object = "Firebase/ML/Models/face.tflite";
  const std::string links[] = {"gs://godwit.test/" + object,
                               "https://storage.googleapis.com/godwit.test/" + object + "?X=1",
                               server_.url() + "/godwit.test/" + object + "?Signature=x"};
  int number = 0;
  for (const std::string& link : links) {
    const Json model = Create(WithFile("face" + std::to_string(++number), link));
    EXPECT_EQ(model["modelHash"].AsString(), DigestOf(v1_).ToHex());
    EXPECT_EQ(model["tfliteModel"]["gcsTfliteUri"].AsString(), links[0]);
    EXPECT_TRUE(model["tfliteModel"]["sizeBytes"].is_string());
    EXPECT_FALSE(model["state"].Has("validationError"));
    EXPECT_EQ(model["latestVersion"].AsInt(), 1);
    EXPECT_FALSE(model.Has("publishedVersion"));
  }
}

TEST_F(ModelsApiTest, KeepsAnInvalidFileOut) {
  const std::string bytes[] = {"This is not a tflite file.\n", "", v1_.substr(0, v1_.size() / 2),
                               std::string("\x1c\0\0\0TFL3", 8)};
  int number = 0;
  for (const std::string& content : bytes) {
    const std::string name = "bad" + std::to_string(++number);
    const Json model = Create(WithFile(name, server_.Upload(name, content)));
    EXPECT_EQ(model["state"]["validationError"]["message"].AsString(), "Invalid flatbuffer format");
    EXPECT_EQ(model["tfliteModel"]["gcsTfliteUri"].AsString(), "gs://godwit.test/" + name);
    EXPECT_FALSE(model["tfliteModel"].Has("sizeBytes"));
    EXPECT_FALSE(model.Has("modelHash"));
    const Reply published = server_.Admin("PATCH", PathOf(model) + "?updateMask=state.published",
                                          R"({"state":{"published":true}})");
    EXPECT_EQ(published.status, 200);
    EXPECT_EQ(published.json()["error"]["code"].AsInt(), 9);
    EXPECT_EQ(published.json()["error"]["message"].AsString(),
              "Cannot publish a model that is not verified.");
  }
}

TEST_F(ModelsApiTest, ErrorsTravelWhereTheSdksLookForThem) {
  const Json model = Create(R"({"displayName":"face"})");
  const std::string missing = std::string(kModels) + "/00000000";
  const std::string no_id = std::string(kModels) + "/invalid-model-id";
  const char* publish = R"({"state":{"published":true}})";
  const struct {
    const char* what;
    std::string method, path, body;
    int http_status;
    int operation_code;  // 0: the error is HTTP's.
    const char* message;
  } rows[] = {
      {"taken", "POST", kModels, R"({"displayName":"face"})", 200, 6,
       "Model 'face' already exists"},
      {"patch of none", "PATCH", missing + "?updateMask=tags", R"({"tags":[]})", 200, 5,
       "Model 'projects/godwit/models/00000000' was not found"},
      {"publish of none", "PATCH", missing + "?updateMask=state.published", publish, 200, 5,
       "Model 'projects/godwit/models/00000000' was not found"},
      {"no such object", "POST", kModels, WithFile("other", "gs://godwit.test/nothing"), 200, 5,
       "No such object: godwit.test/nothing"},
      {"get of none", "GET", missing, "", 404, 0, "Requested entity was not found."},
      {"delete of none", "DELETE", missing, "", 404, 0, "Requested entity was not found."},
      {"operation of none", "GET", "/v1beta2/projects/godwit/operations/0-1", "", 404, 0,
       "Requested entity was not found."},
      {"get of no id", "GET", no_id, "", 400, 0, nullptr},
      {"patch of no id", "PATCH", no_id + "?updateMask=state.published", publish, 400, 0, nullptr},
      {"delete of no id", "DELETE", no_id, "", 400, 0, nullptr},
      {"a bad name", "POST", kModels, R"({"displayName":"Invalid Name#*^!"})", 400, 0, nullptr},
      {"no name", "POST", kModels, "{}", 400, 0, nullptr},
      {"no JSON", "POST", kModels, "{", 400, 0, nullptr},
      {"no object", "POST", kModels, "[]", 400, 0, nullptr},
      {"a wrong type", "POST", kModels, R"({"displayName":7})", 400, 0, nullptr},
      {"a bad tag", "POST", kModels, R"({"displayName":"x","tags":["a b"]})", 400, 0, nullptr},
      {"tags that are no list", "POST", kModels, R"({"displayName":"x","tags":"a"})", 400, 0,
       nullptr},
      {"another host", "POST", kModels, WithFile("x", "https://evil.example/b-1/o"), 400, 0,
       nullptr},
      {"another scheme", "POST", kModels, WithFile("x", "file:///etc/passwd"), 400, 0, nullptr},
      {"a file that is no object", "POST", kModels, R"({"displayName":"x","tfliteModel":[]})", 400,
       0, "tfliteModel must be an object"},
      {"a state that is no object", "PATCH", PathOf(model) + "?updateMask=state.published",
       R"({"state":true})", 400, 0, "state must be an object"},
      {"an unknown mask", "PATCH", PathOf(model) + "?updateMask=color", "{}", 400, 0, nullptr},
      {"an empty mask", "PATCH", PathOf(model) + "?updateMask=", "{}", 400, 0, nullptr},
      {"a word for publish", "PATCH", PathOf(model) + "?publish=maybe", "{}", 400, 0, nullptr},
      {"an unknown method", "POST", PathOf(model), "{}", 404, 0, nullptr},
      {"another project", "GET", "/v1beta2/projects/others/models", "", 403, 0, nullptr},
      {"a bad filter", "GET", std::string(kModels) + "?filter=InvalidFilterParam%3D123", "", 400, 0,
       "Request contains an invalid argument."},
      {"a bad page size", "GET", std::string(kModels) + "?pageSize=0", "", 400, 0, nullptr},
      {"a version of none", "GET", PathOf(model) + "/versions/1", "", 404, 0, nullptr},
      {"a version that is none", "GET", PathOf(model) + "/versions/x", "", 400, 0, nullptr},
  };
  for (const auto& row : rows) {
    const Reply reply = server_.Admin(row.method, row.path, row.body);
    EXPECT_EQ(reply.status, row.http_status) << row.what << ": " << reply.body;
    const Json error = reply.json()["error"];
    EXPECT_EQ(error["code"].AsInt(), row.operation_code != 0 ? row.operation_code : row.http_status)
        << row.what << ": " << reply.body;
    if (row.operation_code != 0) {
      EXPECT_TRUE(reply.json()["done"].AsBool());
    }
    if (row.message != nullptr) {
      EXPECT_EQ(error["message"].AsString(), row.message) << row.what;
    }
  }
}

TEST_F(ModelsApiTest, ACreateWhoseServerWasKilledIsAnsweredAgain) {
  const char* body = R"({"displayName":"face","tags":["a"]})";
  const Json first = Create(body);
  Reply again = server_.Admin("POST", kModels, body);
  EXPECT_EQ(again.json()["error"]["code"].AsInt(), 6) << "the answer to the first was read";
  server_.clock().Advance(1);
  server_.Restart();
  // Whether it was read before the restart, the server cannot know.
  EXPECT_EQ(Create(body)["name"], first["name"]);
  again = server_.Admin("POST", kModels, R"({"displayName":"face"})");
  EXPECT_EQ(again.json()["error"]["code"].AsInt(), 6) << "another request";
  server_.clock().Advance(2 * 60 * 1000 + 1);
  again = server_.Admin("POST", kModels, body);
  EXPECT_EQ(again.json()["error"]["code"].AsInt(), 6) << "too late";
}

TEST_F(ModelsApiTest, ACreateOfAnotherUploadIsNoRepetition) {
  const std::string body =
      WithFile("face", server_.Upload("face", DigitsModel("digits_v1.tflite")));
  Create(body);
  server_.clock().Advance(1);
  server_.Restart();
  server_.Upload("face", DigitsModel("digits_v2.tflite"));
  const Reply again = server_.Admin("POST", kModels, body);
  EXPECT_EQ(again.json()["error"]["code"].AsInt(), 6) << "it would have kept the old bytes";
}

TEST_F(ModelsApiTest, PatchesWhatTheMaskNames) {
  const Json model = Create(R"({"displayName":"face","tags":["a"]})");
  const std::string path = PathOf(model);
  const std::string body = R"({"displayName":"voice","tags":["b"]})";
  Json after = Response(server_.Admin("PATCH", path + "?updateMask=tags", body));
  EXPECT_EQ(after["displayName"].AsString(), "face");
  EXPECT_EQ(after["tags"].items()[0].AsString(), "b");
  after = Response(server_.Admin("PATCH", path + "?updateMask=display_name,tags",
                                 R"({"displayName":"voice","tags":[]})"));
  EXPECT_EQ(after["displayName"].AsString(), "voice");
  EXPECT_FALSE(after.Has("tags"));
}

TEST_F(ModelsApiTest, MasksAreReadAsTheSdksSendThem) {
  const Json model = Create(R"({"displayName":"face","tags":["a","b"]})");
  const struct {
    const char* what;
    const char* mask;  // With its '?'.
    const char* body;
    int status;
    const char* name;  // Afterwards.
    size_t tags;
  } rows[] = {
      {"an empty array is a leaf of its own", "?updateMask=tags", R"({"tags":[]})", 200, "face", 0},
      {"null clears, too", "?updateMask=tags", R"({"tags":null})", 200, "face", 0},
      {"a field that is absent is cleared", "?update_mask=tags", "{}", 200, "face", 0},
      {"a name cannot be cleared", "?updateMask=displayName", "{}", 400, "face", 2},
      {"a comma that is encoded", "?updateMask=displayName%2Ctags",
       R"({"displayName":"voice","tags":["x"]})", 200, "voice", 1},
      {"all that is there", "?updateMask=*", R"({"displayName":"voice"})", 200, "voice", 2},
      {"no mask", "", R"({"tags":["x"]})", 200, "face", 1},
      {"no mask and nothing", "", "{}", 200, "face", 2},
      {"no mask and a stale state", "", R"({"state":{"published":true}})", 200, "face", 2},
      {"an unknown path beside a known one", "?updateMask=tags,color", R"({"tags":[]})", 400,
       "face", 2},
      {"an output-only path", "?updateMask=modelHash", R"({"modelHash":"x"})", 400, "face", 2},
      {"an empty mask", "?updateMask=", R"({"tags":[]})", 400, "face", 2},
      {"an empty path in the mask", "?updateMask=tags,,displayName", R"({"tags":[]})", 400, "face",
       2},
      {"what Google's clients add", "?updateMask=tags&alt=json&prettyPrint=true&$.xgafv=2&fields=*",
       R"({"tags":["x"]})", 200, "face", 1},
  };
  for (const auto& row : rows) {
    Response(server_.Admin("PATCH", PathOf(model) + "?updateMask=displayName,tags",
                           R"({"displayName":"face","tags":["a","b"]})"));
    const Reply reply = server_.Admin("PATCH", PathOf(model) + row.mask, row.body);
    EXPECT_EQ(reply.status, row.status) << row.what << ": " << reply.body;
    const Json after = server_.Admin("GET", PathOf(model) + "?alt=json&quotaUser=x").json();
    EXPECT_EQ(after["displayName"].AsString(), row.name) << row.what;
    EXPECT_EQ(after["tags"].items().size(), row.tags) << row.what;
    EXPECT_EQ(after.Has("tags"), row.tags != 0) << row.what;
  }
}

TEST_F(ModelsApiTest, AnswersRepeatTheProjectThatWasAskedWith) {
  const std::string number = server_.app_id().substr(2, server_.app_id().find(':', 2) - 2);
  const std::string models = "/v1beta2/projects/" + number + "/models";
  const Reply created = server_.Admin("POST", models, R"({"displayName":"face"})");
  const std::string prefix = "projects/" + number;
  EXPECT_TRUE(created.json()["name"].AsString().starts_with(prefix + "/operations/"));
  const std::string name = created.json()["response"]["name"].AsString();
  EXPECT_TRUE(name.starts_with(prefix + "/models/")) << name;
  EXPECT_EQ(server_.Admin("GET", "/v1beta2/" + name).json()["name"].AsString(), name);
  EXPECT_EQ(server_.Admin("GET", "/v1beta2/" + created.json()["name"].AsString()).status, 200);
  const Reply nameless = server_.Device(std::string(kModels) + "/:download");
  EXPECT_EQ(nameless.status, 401);
  EXPECT_TRUE(nameless.json()["error"]["message"].AsString().starts_with(
      "API keys are not supported by this API. Expected OAuth2 access token"));
}

TEST_F(ModelsApiTest, AFetchedModelThatComesBackChangesNothing) {
  server_.CreatePublished("face", v1_);
  const Json model = server_.Admin("GET", kModels).json()["models"].items().at(0);
  Json body = model;
  body.Set("state", Json::Object({{"published", false}}));  // A stale copy.
  for (int round = 0; round < 2; ++round) {
    const Json after = Response(server_.Admin("PATCH", PathOf(model), body.Serialize()));
    EXPECT_TRUE(after["state"]["published"].AsBool());
    EXPECT_EQ(after["etag"], model["etag"]);
    EXPECT_EQ(after["latestVersion"].AsInt(), 1);
  }
}

TEST_F(ModelsApiTest, APublishedModelFollowsItsFileUnlessToldNot) {
  const std::string id = server_.CreatePublished("face", v1_);
  const std::string path = std::string(kModels) + "/" + id;
  const std::string mask = path + "?updateMask=tfliteModel.gcsTfliteUri";
  Json after = Response(server_.Admin("PATCH", mask + "&publish=false",
                                      WithFile("face", server_.Upload("two", v2_))));
  EXPECT_EQ(after["latestVersion"].AsInt(), 2);
  EXPECT_EQ(after["publishedVersion"].AsInt(), 1);
  after =
      Response(server_.Admin("PATCH", mask, WithFile("face", server_.Upload("bad", "no model"))));
  EXPECT_TRUE(after["state"]["published"].AsBool()) << "an invalid file unpublishes nothing";
  EXPECT_EQ(after["publishedVersion"].AsInt(), 1);
  after = Response(server_.Admin("PATCH", mask, WithFile("face", "gs://godwit.test/two")));
  EXPECT_EQ(after["latestVersion"].AsInt(), 2) << "the same bytes make no version";
  EXPECT_EQ(after["publishedVersion"].AsInt(), 2);
}

TEST_F(ModelsApiTest, DescribesVersions) {
  const std::string id = server_.CreatePublished("face", v1_);
  const std::string path = std::string(kModels) + "/" + id;
  Response(server_.Admin("PATCH", path + "?updateMask=tfliteModel.gcsTfliteUri&publish=false",
                         WithFile("face", server_.Upload("two", v2_))));
  const Json page = server_.Admin("GET", path + "/versions?pageSize=1").json();
  ASSERT_EQ(page["versions"].items().size(), 1u);
  const Json newest = page["versions"].items()[0];
  EXPECT_EQ(newest["version"].AsInt(), 2);
  EXPECT_FALSE(newest["published"].AsBool());
  EXPECT_EQ(newest["sha256"].AsString(), DigestOf(v2_).ToHex());
  EXPECT_EQ(newest["name"].AsString(), "projects/godwit/models/" + id + "/versions/2");
  EXPECT_EQ(newest["inputs"].items().at(0)["type"].AsString(), "float32");
  EXPECT_EQ(newest["inputs"].items()[0]["shape"].items().size(), 4u);
  EXPECT_EQ(newest["outputs"].items().size(), 1u);
  bool convolutional = false;
  for (const Json& use : newest["operators"].items()) {
    convolutional |= use["name"].AsString() == "CONV_2D" && use["count"].AsInt() > 0;
  }
  EXPECT_TRUE(convolutional);
  EXPECT_EQ(server_.Send("GET", newest["downloadUri"].AsString()).body, v2_);

  const Json rest =
      server_
          .Admin("GET", path + "/versions?pageSize=1&pageToken=" + page["nextPageToken"].AsString())
          .json();
  EXPECT_FALSE(rest.Has("nextPageToken"));
  EXPECT_EQ(rest["versions"].items().at(0)["version"].AsInt(), 1);
  EXPECT_TRUE(rest["versions"].items()[0]["published"].AsBool());
  EXPECT_EQ(server_.Admin("GET", path + "/versions/1").json()["sha256"].AsString(),
            DigestOf(v1_).ToHex());
}

TEST_F(ModelsApiTest, ListsWithBothSpellings) {
  EXPECT_EQ(server_.Admin("GET", kModels).body, "{}");
  for (const char* name : {"a-1", "a-2", "b"}) {
    server_.clock().Advance(1);
    Create(R"({"displayName":")" + std::string(name) + "\"}");
  }
  const std::string list = kModels;
  const Json page = server_.Admin("GET", list + "?filter=display_name%3Aa%2A&page_size=1").json();
  EXPECT_EQ(page["models"].items().at(0)["displayName"].AsString(), "a-2");
  const Json rest = server_
                        .Admin("GET", list + "?filter=display_name+%3A+a%2A&pageSize=1&pageToken=" +
                                          page["nextPageToken"].AsString())
                        .json();
  EXPECT_EQ(rest["models"].items().at(0)["displayName"].AsString(), "a-1");
  EXPECT_FALSE(rest.Has("nextPageToken"));
}

TEST_F(ModelsApiTest, DeletesWithAJsonBodyAndOnce) {
  const Json model = Create(R"({"displayName":"face"})");
  const Reply deleted = server_.Admin("DELETE", PathOf(model));
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body, "{}");
  EXPECT_EQ(server_.Admin("DELETE", PathOf(model)).status, 404);
}

TEST_F(ModelsApiTest, AnOperationIsFoundByItsName) {
  const Reply created = server_.Admin("POST", kModels, R"({"displayName":"face"})");
  const std::string name = created.json()["name"].AsString();
  const Reply found = server_.Admin("GET", "/v1beta2/" + name);
  EXPECT_EQ(found.json(), created.json());
}

TEST_F(ModelsApiTest, TokensAreCheckedAndEnd) {
  const auto exchange = [&](const char* name, Json value) {
    Json claims = server_.GoodClaims();
    claims.Set(name, std::move(value));
    return server_.Send("POST", "/oauth2/v4/token", {}, server_.TokenForm(claims));
  };
  EXPECT_EQ(exchange("aud", "https://www.googleapis.com/oauth2/v4/token").status, 200);
  for (const Reply& reply :
       {exchange("aud", "https://evil.example"), exchange("iss", "nobody@godwit"),
        exchange("exp", server_.clock().NowMs() / 1000 - 4000), exchange("iat", "x")}) {
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_NE(reply.json()["error"].AsString(), "");
  }
  EXPECT_EQ(server_.Admin("GET", kModels).status, 200);
  server_.clock().Advance(3600 * 1000 + 1);
  EXPECT_EQ(server_.Admin("GET", kModels).status, 401);
}

}  // namespace
}  // namespace godwit::server
