#include "cli/saved_models.h"

#include <gtest/gtest.h>

namespace godwit::cli {
namespace {

TEST(SavedModels, AreNamedAfterTheirFiles) {
  struct Row {
    const char* file;
    const char* name;
  };
  for (const Row& row : {
           Row{"face.tflite", "face"},
           Row{"face", "face"},
           Row{"face.v2.tflite", "face_v2"},
           Row{"face detector (new).tflite", "face_detector_new_"},
           Row{"Gesicht-\xc3\xa4.tflite", "Gesicht-_"},
           Row{"a__b.tflite", "a__b"},
           Row{".tflite", "_tflite"},
           Row{"0123456789012345678901234567890123456789.tflite",
               "01234567890123456789012345678901"},
       }) {
    EXPECT_EQ(ModelNameOfFile(row.file), row.name) << row.file;
  }
}

TEST(SavedModels, ListIsTheAnswerOrItsArray) {
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
