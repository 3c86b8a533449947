#include "inference/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "protocol/json.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string SourcePath(const std::string& path) {
  return std::string(GODWIT_SOURCE_DIR) + "/" + path;
}

std::string SmallPath(const std::string& name) {
  return SourcePath("fuzz/corpora/tflite_model/" + name + ".tflite");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::span<const std::byte> Bytes(const auto& values) {
  return std::as_bytes(std::span(values.data(), values.size()));
}

std::vector<float> Floats(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// One library of the matrix: both are fetched by scripts/fetch-runtime.
struct Library {
  const char* name;
  const char* file;
  const char* version;
};

class InterpreterTest : public ::testing::TestWithParam<Library> {
 protected:
  void SetUp() override {
    options_.library_path = SourcePath(std::string("build/runtime/") + GetParam().file);
    if (!std::ifstream(options_.library_path)) {
      // Where npm is not installed the second library is not fetched; the first always is.
      ASSERT_STREQ(GetParam().version, "2.9.0") << "run scripts/fetch-runtime";
      GTEST_SKIP() << options_.library_path << " is not there: npm was absent at fetch time";
    }
  }

  std::unique_ptr<Interpreter> Open(const std::string& path) {
    Result<std::unique_ptr<Interpreter>> opened = Interpreter::Open(path, options_);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    return opened.ok() ? std::move(opened).value() : nullptr;
  }

  bool IsOld() const { return std::string_view(GetParam().version) == "2.9.0"; }

  InterpreterOptions options_;
};

INSTANTIATE_TEST_SUITE_P(EachLibrary, InterpreterTest,
                         ::testing::Values(Library{"Default", "libtensorflowlite_c.so", "2.21.0"},
                                           Library{"Second", "libtensorflowlite_c-2.9.0.so",
                                                   "2.9.0"}),
                         [](const auto& row) { return row.param.name; });

// Runs the model on one sample and gives the numbers that it stores.
std::vector<float> RunSample(Interpreter& interpreter, const std::string& name) {
  const std::string raw = ReadFile(SourcePath("models/digits/samples/" + name + ".f32"));
  const TensorInfo& input = interpreter.inputs()[0];
  std::vector<std::byte> image(input.size_bytes);
  EXPECT_TRUE(QuantizeTo(input, Floats(Bytes(raw)), image).ok());
  std::vector<std::byte> output(interpreter.outputs()[0].size_bytes);
  const std::span<const std::byte> in(image);
  const std::span<std::byte> out(output);
  const Status status = interpreter.Run({&in, 1}, {&out, 1});
  EXPECT_TRUE(status.ok()) << status.ToString();
  TensorInfo stored = interpreter.outputs()[0];
  stored.scale = 0;
  return Dequantize(stored, output).value();
}

// Every held-back sample gives what TensorFlow's reference kernels gave when the models were
// made. Plain kernels give the same int8 numbers; accelerated ones round otherwise, which shows
// where two digits are about as likely.
TEST_P(InterpreterTest, GivesTheExpectedOutputsForTheDigits) {
  struct Row {
    const char* model;
    bool accelerate;
    double tolerance;
    int right;  // Of the 40 samples, as README.md tells.
  };
  constexpr Row kRows[] = {
      {"digits_v1", true, 1e-5, 34},    {"digits_v1", false, 1e-5, 34},
      {"digits_v2", true, 1e-5, 39},    {"digits_v2", false, 1e-5, 39},
      {"digits_v2_int8", true, 24, 39}, {"digits_v2_int8", false, 0, 39},
  };
  const Result<Json> file = Json::Parse(ReadFile(SourcePath("models/digits/samples/samples.json")));
  ASSERT_TRUE(file.ok());
  const std::vector<Json>& samples = (*file)["samples"].items();
  ASSERT_EQ(samples.size(), 40u);
  for (const Row& row : kRows) {
    options_.accelerate = row.accelerate;
    const auto interpreter =
        Open(SourcePath(std::string("models/digits/") + row.model + ".tflite"));
    ASSERT_NE(interpreter, nullptr);
    EXPECT_EQ(interpreter->runtime_version(), GetParam().version);
    int right = 0;
    for (const Json& sample : samples) {
      const std::vector<float> numbers = RunSample(*interpreter, sample["name"].AsString());
      const std::vector<Json>& expected = sample["expected"][row.model].items();
      ASSERT_EQ(expected.size(), numbers.size());
      for (size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_NEAR(numbers[i], expected[i].AsDouble(), row.tolerance) << row.model;
      }
      right += std::max_element(numbers.begin(), numbers.end()) - numbers.begin() ==
               sample["label"].AsInt();
    }
    EXPECT_EQ(right, row.right) << row.model << (row.accelerate ? " accelerated" : " plain");
  }
}

TEST_P(InterpreterTest, DescribesInputsOutputsLabelsAndNormalisation) {
  const auto interpreter = Open(SourcePath("models/digits/digits_v2_int8.tflite"));
  ASSERT_NE(interpreter, nullptr);
  ASSERT_EQ(interpreter->inputs().size(), 1u);
  const TensorInfo& input = interpreter->inputs()[0];
  EXPECT_EQ(input.name, "image");
  EXPECT_EQ(input.type, tflite::TensorType::kInt8);
  EXPECT_THAT(input.shape, ElementsAre(1, 8, 8, 1));
  EXPECT_EQ(input.size_bytes, 64u);
  EXPECT_GT(input.scale, 0);
  EXPECT_EQ(interpreter->outputs()[0].zero_point, -128);
  EXPECT_EQ(interpreter->metadata().output_labels[0][7], "7");
  EXPECT_THAT(interpreter->metadata().input_normalization[0].mean, ElementsAre(127.5f));
  EXPECT_EQ(interpreter->model().signatures[0].key, "serving_default");
}

// Bytes in memory, plain kernels and more threads all do the same sum.
TEST_P(InterpreterTest, RunsBytesWithAnyKernelsAndThreads) {
  const std::string model = ReadFile(SmallPath("add_constant"));
  for (const bool accelerate : {true, false}) {
    for (const int threads : {1, 3}) {
      options_.accelerate = accelerate;
      options_.threads = threads;
      const auto opened = Interpreter::OpenBytes(Bytes(model), options_);
      ASSERT_TRUE(opened.ok()) << opened.status().ToString();
      const std::vector<float> x = {10, 20, 30, 40};
      const std::span<const std::byte> in = Bytes(x);
      ASSERT_TRUE((*opened)->Run({&in, 1}, {}).ok());
      EXPECT_THAT(Floats((*opened)->output_data(0)), ElementsAre(11, 22, 33, 44));
      EXPECT_EQ((*opened)->acceleration(),
                accelerate ? Acceleration::kXnnpack : Acceleration::kNone);
    }
  }
}

TEST_P(InterpreterTest, RunsSideBySideInThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto opened = Interpreter::Open(SmallPath("add_constant"), options_);
      ASSERT_TRUE(opened.ok()) << opened.status().ToString();
      for (int round = 0; round < 50; ++round) {
        const std::vector<float> x(4, static_cast<float>(i * 1000 + round));
        const std::span<const std::byte> in = Bytes(x);
        ASSERT_TRUE((*opened)->Run({&in, 1}, {}).ok());
        EXPECT_EQ(Floats((*opened)->output_data(0))[3], x[3] + 4);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(InterpreterTest, NamesWhatIsWrongWithACall) {
  const auto interpreter = Open(SmallPath("add_constant"));
  ASSERT_NE(interpreter, nullptr);
  const std::vector<float> x(4);
  std::vector<float> y(3);
  const std::span<const std::byte> in = Bytes(x);
  const std::span<const std::byte> half = in.subspan(8);
  const std::span<std::byte> short_out = std::as_writable_bytes(std::span(y));
  struct Row {
    Status status;
    const char* message;
  };
  const Row rows[] = {
      {interpreter->Run({}, {}), "takes 1 inputs; the call has 0"},
      {interpreter->Run({&half, 1}, {}), "input 'x' takes 16 bytes; the call has 8"},
      {interpreter->Run({&in, 1}, {&short_out, 1}), "output 'y' has 16 bytes"},
      {interpreter->ResizeInput(1, {}), "there is no input 1"},
      {interpreter->ResizeInput(0, std::vector<int32_t>{-1}), "each at least 1"},
      {interpreter->ResizeInput(0, std::vector<int32_t>(8, 65536)), "2 GiB"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.status.code(), StatusCode::kInvalidArgument) << row.message;
    EXPECT_THAT(row.status.message(), HasSubstr(row.message));
  }
  EXPECT_EQ(interpreter->SelectSignature("no").code(), StatusCode::kNotFound);
}

TEST_P(InterpreterTest, TakesAnotherShapeOrKeepsTheOldOne) {
  const auto interpreter = Open(SmallPath("add_constant"));
  ASSERT_NE(interpreter, nullptr);
  // Three numbers cannot be added to four; the library's reason is told without its paths.
  const Status refused = interpreter->ResizeInput(0, std::vector<int32_t>{3});
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(), Not(HasSubstr("/")));
  EXPECT_THAT(interpreter->inputs()[0].shape, ElementsAre(4));
  ASSERT_TRUE(interpreter->ResizeInput(0, std::vector<int32_t>{2, 4}).ok());
  EXPECT_EQ(interpreter->inputs()[0].size_bytes, 32u);
  EXPECT_THAT(interpreter->outputs()[0].shape, ElementsAre(2, 4));
  const std::vector<float> x = {0, 0, 0, 0, 5, 5, 5, 5};
  const std::span<const std::byte> in = Bytes(x);
  ASSERT_TRUE(interpreter->Run({&in, 1}, {}).ok());
  EXPECT_THAT(Floats(interpreter->output_data(0)), ElementsAre(1, 2, 3, 4, 6, 7, 8, 9));
}

TEST_P(InterpreterTest, RunsEachSignature) {
  const auto interpreter = Open(SmallPath("two_signatures"));
  ASSERT_NE(interpreter, nullptr);
  for (const tflite::Signature& signature : interpreter->model().signatures) {
    const Status selected = interpreter->SelectSignature(signature.key);
    if (signature.subgraph_index != 0 && IsOld()) {
      EXPECT_EQ(selected.code(), StatusCode::kUnimplemented);
      continue;
    }
    ASSERT_TRUE(selected.ok()) << selected.ToString();
    const std::vector<float> left = {7, 5};
    const std::vector<float> right = {4, 1};
    std::vector<std::span<const std::byte>> in;
    for (size_t i = 0; i < interpreter->inputs().size(); ++i) {
      ASSERT_TRUE(interpreter->ResizeInput(i, std::vector<int32_t>{2}).ok());
      in.push_back(Bytes(interpreter->inputs()[i].name == "right" ? right : left));
    }
    ASSERT_TRUE(interpreter->Run(in, {}).ok());
    const std::vector<float> result = Floats(interpreter->output_data(0));
    if (signature.key == "double") {
      EXPECT_EQ(interpreter->outputs()[0].name, "y");
      EXPECT_THAT(result, ElementsAre(14, 10));
    } else {
      EXPECT_EQ(interpreter->outputs()[0].name, "difference");
      EXPECT_THAT(result, ElementsAre(3, 4));
    }
  }
  EXPECT_TRUE(interpreter->SelectSignature("").ok());
}

TEST_P(InterpreterTest, TellsASizeThatOnlyTheRunKnows) {
  const auto interpreter = Open(SmallPath("positive_places"));
  ASSERT_NE(interpreter, nullptr);
  const std::vector<float> x = {1, -1, 1, -1, -1, 1};
  const std::span<const std::byte> in = Bytes(x);
  std::vector<int64_t> places(1);
  const std::span<std::byte> out = std::as_writable_bytes(std::span(places));
  EXPECT_EQ(interpreter->Run({&in, 1}, {&out, 1}).code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(interpreter->outputs()[0].shape, ElementsAre(3, 1));
  const std::span<const std::byte> data = interpreter->output_data(0);
  std::vector<int64_t> found(data.size() / 8);
  std::memcpy(found.data(), data.data(), data.size());
  EXPECT_THAT(found, ElementsAre(0, 2, 5));
  places.resize(3);
  const std::span<std::byte> roomy = std::as_writable_bytes(std::span(places));
  ASSERT_TRUE(interpreter->Run({&in, 1}, {&roomy, 1}).ok());
  EXPECT_THAT(places, ElementsAre(0, 2, 5));
}

// It passes every check of the library and then corrupts its memory.
TEST_P(InterpreterTest, RefusesTheModelThatBreaksTheLibrary) {
  const auto opened = Interpreter::Open(SmallPath("svdf_int8_state"), options_);
  EXPECT_EQ(opened.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(opened.status().message(), HasSubstr("SVDF"));
}

// The older library would take the first channel's scale for all and say nothing.
TEST_P(InterpreterTest, RefusesTheModelThatTheLibraryWouldGetWrong) {
  const auto opened = Interpreter::Open(SmallPath("dense_per_channel"), options_);
  if (IsOld()) {
    EXPECT_EQ(opened.status().code(), StatusCode::kUnimplemented);
    EXPECT_THAT(opened.status().message(), HasSubstr("would give wrong numbers"));
    return;
  }
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const std::vector<int8_t> x(4, 1);
  const std::span<const std::byte> in = Bytes(x);
  ASSERT_TRUE((*opened)->Run({&in, 1}, {}).ok());
  EXPECT_THAT((*opened)->output_data(0), ElementsAre(std::byte{8}, std::byte{4}));
}

TEST_P(InterpreterTest, RefusesWhatTheReaderRefuses) {
  for (const char* name : {"lie_operator_input", "lie_strings", "lie_truncated"}) {
    const auto opened = Interpreter::Open(SmallPath(name), options_);
    EXPECT_EQ(opened.status().code(), StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(opened.status().message(), HasSubstr("not a TensorFlow Lite model")) << name;
  }
  EXPECT_EQ(Interpreter::Open("/no/such.tflite", options_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Interpreter::Open("/", options_).status().code(), StatusCode::kInvalidArgument);
  options_.threads = 0;
  EXPECT_EQ(Interpreter::Open(SmallPath("add_constant"), options_).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
