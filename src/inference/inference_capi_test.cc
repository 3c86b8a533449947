// Through the shared library alone, as an app uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "godwit/inference.h"

namespace {

using ::testing::HasSubstr;

std::string SourcePath(const std::string& path) {
  return std::string(GODWIT_SOURCE_DIR) + "/" + path;
}

TEST(InferenceC, OpensDescribesAndRunsAModel) {
  const std::string path = SourcePath("models/digits/digits_v2_int8.tflite");
  godwit_interpreter_options options = GODWIT_INTERPRETER_OPTIONS_INIT;
  options.signature = "serving_default";
  godwit_interpreter* interpreter = nullptr;
  godwit_error error;
  ASSERT_EQ(godwit_interpreter_open(path.c_str(), &options, &interpreter, &error), GODWIT_OK)
      << error.message;
  EXPECT_EQ(error.code, GODWIT_OK);
  ASSERT_EQ(godwit_interpreter_input_count(interpreter), 1u);
  ASSERT_EQ(godwit_interpreter_output_count(interpreter), 1u);
  godwit_tensor input;
  godwit_tensor output;
  ASSERT_EQ(godwit_interpreter_input(interpreter, 0, &input, &error), GODWIT_OK);
  ASSERT_EQ(godwit_interpreter_output(interpreter, 0, &output, &error), GODWIT_OK);
  EXPECT_STREQ(input.name, "image");
  EXPECT_EQ(input.type, GODWIT_TENSOR_INT8);
  EXPECT_EQ(input.dimension_count, 4u);
  EXPECT_EQ(input.dimensions[2], 8);
  EXPECT_EQ(output.size_bytes, 10u);

  std::ifstream file(SourcePath("models/digits/samples/digit_00.f32"), std::ios::binary);
  std::vector<float> image(64);
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(image.data()), 256));
  std::vector<int8_t> stored(64);
  ASSERT_EQ(godwit_tensor_store(&input, image.data(), 64, stored.data(), 64, &error), GODWIT_OK);
  std::vector<int8_t> result(10);
  const godwit_input in = {stored.data(), stored.size()};
  const godwit_output out = {result.data(), result.size()};
  ASSERT_EQ(godwit_interpreter_run(interpreter, &in, 1, &out, 1, &error), GODWIT_OK)
      << error.message;
  std::vector<float> numbers(10);
  ASSERT_EQ(godwit_tensor_load(&output, result.data(), 10, numbers.data(), 10, &error), GODWIT_OK);
  EXPECT_GT(numbers[9], 0.9f);  // The first sample is a nine.
  size_t size = 0;
  EXPECT_NE(godwit_interpreter_output_data(interpreter, 0, &size), nullptr);
  EXPECT_EQ(size, 10u);
  EXPECT_EQ(godwit_interpreter_output_data(interpreter, 1, &size), nullptr);

  EXPECT_EQ(godwit_interpreter_label_count(interpreter, 0), 10u);
  EXPECT_STREQ(godwit_interpreter_label(interpreter, 0, 9), "9");
  EXPECT_EQ(godwit_interpreter_label(interpreter, 0, 10), nullptr);
  const float* mean = nullptr;
  const float* deviation = nullptr;
  ASSERT_EQ(godwit_interpreter_normalization(interpreter, 0, &mean, &deviation), 1u);
  EXPECT_EQ(*mean, 127.5f);
  EXPECT_EQ(godwit_interpreter_normalization(interpreter, 5, &mean, &deviation), 0u);
  EXPECT_EQ(godwit_interpreter_signature_count(interpreter), 1u);
  EXPECT_STREQ(godwit_interpreter_signature_key(interpreter, 0), "serving_default");
  EXPECT_EQ(godwit_interpreter_signature_key(interpreter, 1), nullptr);
  EXPECT_NE(std::string(godwit_interpreter_runtime_version(interpreter)), "");
  EXPECT_EQ(godwit_interpreter_resize_input(interpreter, 0, input.dimensions, 4, nullptr),
            GODWIT_OK);
  const int32_t none[] = {0};
  EXPECT_EQ(godwit_interpreter_resize_input(interpreter, 0, none, 1, nullptr),
            GODWIT_INVALID_ARGUMENT);
  EXPECT_EQ(godwit_interpreter_select_signature(interpreter, nullptr, nullptr), GODWIT_OK);
  godwit_interpreter_close(interpreter);
}

TEST(InferenceC, SaysWhatIsWrong) {
  godwit_interpreter* interpreter = reinterpret_cast<godwit_interpreter*>(1);
  godwit_error error;
  EXPECT_EQ(godwit_interpreter_open_bytes("no model", 8, nullptr, &interpreter, &error),
            GODWIT_INVALID_ARGUMENT);
  EXPECT_EQ(interpreter, nullptr);
  EXPECT_EQ(error.code, GODWIT_INVALID_ARGUMENT);
  EXPECT_THAT(error.message, HasSubstr("not a TensorFlow Lite model"));
  EXPECT_EQ(godwit_interpreter_open(nullptr, nullptr, &interpreter, nullptr),
            GODWIT_INVALID_ARGUMENT);
  const std::string path = SourcePath("models/digits/digits_v1.tflite");
  godwit_interpreter_options options = GODWIT_INTERPRETER_OPTIONS_INIT;
  options.library_path = "/no/such/library.so";
  EXPECT_EQ(godwit_interpreter_open(path.c_str(), &options, &interpreter, &error),
            GODWIT_RUNTIME_MISSING);
  EXPECT_THAT(error.message, HasSubstr("scripts/fetch-runtime"));
  options.version = 99;
  EXPECT_EQ(godwit_interpreter_open(path.c_str(), &options, &interpreter, &error),
            GODWIT_INVALID_ARGUMENT);
  godwit_interpreter_close(nullptr);
}

TEST(InferenceC, IsAGateForClients) {
  const std::string good = SourcePath("models/digits/digits_v1.tflite");
  const std::string bad = SourcePath("fuzz/corpora/tflite_model/svdf_int8_state.tflite");
  godwit_gate_reason reason = GODWIT_GATE_APP;
  godwit_gate_candidate candidate = {};
  candidate.version = GODWIT_GATE_CANDIDATE_VERSION;
  candidate.path = good.c_str();
  candidate.reason = &reason;
  godwit_error error;
  godwit_inference_gate_options options = GODWIT_INFERENCE_GATE_OPTIONS_INIT;
  EXPECT_EQ(godwit_inference_gate(&candidate, nullptr, &error), GODWIT_OK) << error.message;
  options.helper_path = "/no/such/program";
  EXPECT_EQ(godwit_inference_gate(&candidate, &options, &error), GODWIT_OK)
      << "without the program it runs here: " << error.message;
  options.in_process = 1;
  EXPECT_EQ(godwit_inference_gate(&candidate, &options, &error), GODWIT_OK) << error.message;
  candidate.path = bad.c_str();
  EXPECT_EQ(godwit_inference_gate(&candidate, &options, &error), GODWIT_GATE_REFUSED);
  EXPECT_EQ(reason, GODWIT_GATE_UNSAFE_OPERATOR);
  EXPECT_THAT(error.message, HasSubstr("SVDF"));
  options.library_path = "/no/such/library.so";
  candidate.path = good.c_str();
  EXPECT_EQ(godwit_inference_gate(&candidate, &options, &error), GODWIT_RUNTIME_MISSING);
  options.version = 99;
  EXPECT_EQ(godwit_inference_gate(&candidate, &options, &error), GODWIT_INVALID_ARGUMENT);
}

}  // namespace
