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

}  // namespace
}  // namespace godwit::cli
