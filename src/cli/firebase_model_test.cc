#include "cli/firebase_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<FirebaseModel> Read(const std::string& text) {
  return ReadFirebaseModel(*Json::Parse(text));
}

TEST(FirebaseModel, IsReadFromTheList) {
  const std::string hex = DigestOf("file").ToHex();
  const auto model = Read(R"({"name": "projects/p/models/12345", "displayName": "face",
      "tags": ["a", "b"], "state": {"published": true}, "modelHash": ")" +
                          hex + R"(",
      "tfliteModel": {"gcsTfliteUri": "gs://b/dir/o.tflite", "sizeBytes": "736"},
      "createTime": "2020-01-21T20:44:27Z", "etag": "x", "unknown": {}})");
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->name, "face");
  EXPECT_EQ(model->id, "12345");
  EXPECT_THAT(model->tags, ElementsAre("a", "b"));
  EXPECT_TRUE(model->published);
  EXPECT_EQ(model->gcs_uri, "gs://b/dir/o.tflite");
  EXPECT_EQ(model->digest, DigestOf("file"));
  EXPECT_EQ(model->obstacle, "");
}

TEST(FirebaseModel, SaysWhyThereIsNothingToImport) {
  struct Row {
    const char* members;
    const char* obstacle;
  };
  for (const Row& row : {
           Row{R"("tfliteModel": {"managedUpload": true})", ""},
           Row{R"("tags": [])", "it has no file"},
           Row{R"("tfliteModel": {"automlModel": "projects/p/x"})",
               "its file is AutoML's; export it there, then: godwit import folder"},
           Row{R"("tfliteModel": {"gcsTfliteUri": "gs://b/o"},
                  "state": {"validationError": {"code": 3, "message": "Invalid flatbuffer"}})",
               "Firebase never accepted its file (Invalid flatbuffer)"},
       }) {
    const auto model =
        Read(std::string(R"({"name": "projects/p/models/1", "displayName": "face", )") +
             row.members + "}");
    ASSERT_TRUE(model.ok());
    EXPECT_EQ(model->obstacle, row.obstacle);
    EXPECT_FALSE(model->published);
  }
}

TEST(FirebaseModel, IsNotWhatHasNoNameOrId) {
  for (const char* text :
       {"{}", "[]", "7", R"({"name": "projects/p/models/1"})", R"({"displayName": "face"})",
        R"({"name": "projects/p/models/", "displayName": "face"})",
        R"({"name": "a/1", "displayName": "../../etc"})", R"({"name": "a/1", "displayName": 7})"}) {
    EXPECT_EQ(Read(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(FirebaseModel, KnowsASha256InEveryWriting) {
  const Digest digest = DigestOf("file");
  const auto bytes = std::as_bytes(std::span(digest.bytes));
  std::string upper = digest.ToHex();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const std::string& text :
       {digest.ToHex(), upper, Base64Encode(bytes), Base64UrlEncode(bytes)}) {
    EXPECT_EQ(ReadModelHash(text), digest) << text;
  }
  for (const std::string& text :
       {std::string(), std::string("W/1"), std::string(64, 'g'), std::string(40, 'a'),
        std::string(44, '='), digest.ToHex() + "0"}) {
    EXPECT_EQ(ReadModelHash(text), std::nullopt) << text;
  }
}

TEST(FirebaseModel, ReadsAddressesInCloudStorage) {
  const auto object = ReadGcsUri("gs://my.bucket/a/b c.tflite");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->bucket, "my.bucket");
  EXPECT_EQ(object->name, "a/b c.tflite");
  for (const char* text :
       {"", "gs://", "gs://b", "gs://b/", "gs:///o", "https://b/o", "GS://b/o"}) {
    EXPECT_FALSE(ReadGcsUri(text)) << text;
  }
}

TEST(FirebaseModel, ListIsTheAnswerOrItsArray) {
  const std::string entry = R"({"name": "projects/p/models/1", "displayName": "face"})";
  EXPECT_EQ(ReadModelsList(R"({"models": [)" + entry + "]}")->front().name, "face");
  EXPECT_EQ(ReadModelsList("[" + entry + "]")->size(), 1u);
  for (const std::string& text : {std::string("{}"), std::string("7"), std::string("no JSON"),
                                  std::string(R"({"models": {}})"), "[" + entry + ", {}]"}) {
    EXPECT_EQ(ReadModelsList(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace godwit::cli
