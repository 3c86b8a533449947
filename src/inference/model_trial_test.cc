#include "inference/model_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "inference/trial_report.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"
#include "tflite/golden_file.h"

namespace godwit {
namespace {

using ::testing::HasSubstr;
using tflite::GoldenCase;

std::string SourcePath(const std::string& path) {
  return std::string(GODWIT_SOURCE_DIR) + "/" + path;
}
const std::string kDigits = SourcePath("models/digits/digits_v2.tflite");
const std::string kSvdf = SourcePath("fuzz/corpora/tflite_model/svdf_int8_state.tflite");

class ModelTrialTest : public ::testing::Test {
 protected:
  ModelTrialTest() {
    options_.library_path = SourcePath("build/runtime/libtensorflowlite_c.so");
    if (!std::filesystem::exists(options_.library_path)) {
      options_.library_path = SourcePath("build/runtime/libtensorflowlite_c-2.9.0.so");
    }
    options_.helper_path = GODWIT_GATE_PROGRAM;
  }

  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  // A program in the helper's place.
  void UseScript(const std::string& script) {
    options_.helper_path = Write("helper", "#!/bin/sh\n" + script + "\n");
    chmod(options_.helper_path.c_str(), 0700);
  }
  // What the digits model gives for an image of grey.
  GoldenCase DigitsCase() {
    InterpreterOptions options;
    options.library_path = options_.library_path;
    const auto interpreter = Interpreter::Open(kDigits, options).value();
    const TensorInfo input = interpreter->inputs()[0];
    const std::vector<float> grey(input.size_bytes / sizeof(float), 0.5f);
    const auto bytes = std::as_bytes(std::span(grey));
    EXPECT_TRUE(interpreter->Run({&bytes, 1}, {}).ok());
    const TensorInfo output = interpreter->outputs()[0];
    const auto found = interpreter->output_data(0);
    const auto text = [](std::span<const std::byte> data) {
      return std::string(reinterpret_cast<const char*>(data.data()), data.size());
    };
    return {"grey",
            {{input.name, input.type, input.shape, text(bytes)}},
            {{output.name, output.type, output.shape, text(found)}},
            1e-4f,
            0,
            60'000};
  }
  std::string WriteGolden(const std::vector<GoldenCase>& cases) {
    return Write("golden", tflite::EncodeGoldenFile(cases));
  }

  godwit::testing::TempDirectory folder_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  TrialOptions options_;
};

TEST_F(ModelTrialTest, AcceptsAGoodModelInAChildAndInThisProcess) {
  const std::string golden = WriteGolden({DigitsCase()});
  for (const std::string& path : {std::string(), golden}) {
    const TrialVerdict child = RunTrialInChild(options_, kDigits, path, *clock_);
    EXPECT_TRUE(child.status.ok()) << child.status.ToString();
    const TrialVerdict here = RunTrial(options_, kDigits, path, *clock_);
    EXPECT_TRUE(here.status.ok()) << here.status.ToString();
  }
  options_.threads = 4;
  const TrialVerdict threads = RunTrialInChild(options_, kDigits, golden, *clock_);
  EXPECT_TRUE(threads.status.ok()) << threads.status.ToString();
}

TEST_F(ModelTrialTest, RefusesModelsWithTheReason) {
  struct Row {
    const char* name;
    std::string model;
    std::function<void(GoldenCase&)> spoil;  // None: no golden inputs.
    godwit_gate_reason reason;
    const char* message;
  };
  const std::vector<Row> rows = {
      {"no model", Write("text", "this is no model, only text"), nullptr, GODWIT_GATE_NOT_LOADABLE,
       "not a TensorFlow Lite model"},
      {"int8 state", kSvdf, nullptr, GODWIT_GATE_UNSAFE_OPERATOR, "SVDF"},
      {"other numbers", kDigits, [](auto& golden) { golden.outputs[0].bytes[3] ^= 0x01; },
       GODWIT_GATE_GOLDEN_MISMATCH, "and not"},
      {"other output", kDigits, [](auto& golden) { golden.outputs[0].name = "box"; },
       GODWIT_GATE_GOLDEN_MISMATCH, "no output 'box'"},
      {"other input", kDigits, [](auto& golden) { golden.inputs[0].name = "sound"; },
       GODWIT_GATE_GOLDEN_MISMATCH, "no input 'sound'"},
      {"other type", kDigits,
       [](auto& golden) { golden.inputs[0].type = tflite::TensorType::kInt32; },
       GODWIT_GATE_GOLDEN_MISMATCH, "another type"},
      {"too few inputs", kDigits, [](auto& golden) { golden.inputs.clear(); },
       GODWIT_GATE_GOLDEN_MISMATCH, "takes 1 inputs"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    std::string golden_path;
    if (row.spoil) {
      GoldenCase golden = DigitsCase();
      row.spoil(golden);
      golden_path = WriteGolden({golden});
    }
    const TrialVerdict verdict = RunTrialInChild(options_, row.model, golden_path, *clock_);
    EXPECT_EQ(verdict.status.code(), StatusCode::kGateRefused) << verdict.status.ToString();
    EXPECT_EQ(verdict.reason, row.reason);
    EXPECT_THAT(verdict.status.message(), HasSubstr(row.message));
  }
}

// The model would corrupt the interpreter's heap, so not even the child may load it.
TEST_F(ModelTrialTest, RefusesTheModelThatDamagesTheHeapBeforeAnyChildRuns) {
  UseScript("touch " + folder_.path() + "/ran");
  for (int i = 0; i < 100; ++i) {
    const TrialVerdict verdict = RunTrialInChild(options_, kSvdf, "", *clock_);
    ASSERT_EQ(verdict.status.code(), StatusCode::kGateRefused);
    ASSERT_EQ(verdict.reason, GODWIT_GATE_UNSAFE_OPERATOR);
    ASSERT_EQ(RunTrial(options_, kSvdf, "", *clock_).reason, GODWIT_GATE_UNSAFE_OPERATOR);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/ran"));
}

TEST_F(ModelTrialTest, RefusesWhatEndsTheChildOrDoesNotEnd) {
  struct Row {
    const char* script;
    godwit_gate_reason reason;
  };
  const Row rows[] = {{"kill -SEGV $$", GODWIT_GATE_CRASH},
                      {"kill -ABRT $$", GODWIT_GATE_CRASH},
                      {"kill -SYS $$", GODWIT_GATE_CRASH},
                      {"kill -XCPU $$", GODWIT_GATE_TIMEOUT},
                      {"exec >&-; exec tail -f /dev/null", GODWIT_GATE_CRASH},
                      {"exec tail -f /dev/null", GODWIT_GATE_TIMEOUT}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.script);
    UseScript(row.script);
    options_.timeout_ms = std::string_view(row.script).starts_with("exec tail") ? 50 : 20'000;
    const TrialVerdict verdict = RunTrialInChild(options_, kDigits, "", *clock_);
    EXPECT_EQ(verdict.status.code(), StatusCode::kGateRefused) << verdict.status.ToString();
    EXPECT_EQ(verdict.reason, row.reason);
  }
}

TEST_F(ModelTrialTest, BlamesNoModelForWhatIsWrongWithTheTrial) {
  for (const char* const script : {"exit 3", "echo nonsense", "printf '0 99\\nend\\n'", "exit 0",
                                   "printf '12 15\\nrun it yourself\\nend\\n'"}) {
    UseScript(script);
    EXPECT_EQ(RunTrialInChild(options_, kDigits, "", *clock_).status.code(), StatusCode::kInternal)
        << script;
  }
  options_.helper_path = folder_.path() + "/none";
  EXPECT_EQ(RunTrialInChild(options_, kDigits, "", *clock_).status.code(),
            StatusCode::kUnimplemented);
  options_.helper_path = GODWIT_GATE_PROGRAM;
  EXPECT_EQ(RunTrialInChild(options_, kDigits, Write("golden", "GWGF"), *clock_).status.code(),
            StatusCode::kDataLoss);
  options_.library_path = folder_.path() + "/none";
  EXPECT_EQ(RunTrialInChild(options_, kDigits, "", *clock_).status.code(),
            StatusCode::kRuntimeMissing);
  EXPECT_EQ(RunTrialInChild(options_, folder_.path() + "/gone", "", *clock_).status.code(),
            StatusCode::kNotFound);
}

TEST_F(ModelTrialTest, TellsTheChildSmallTolerancesInWholeWhateverTheLocale) {
  UseScript(R"([ "$5 $6" = "1e-07 0.25" ] && printf '0 15\n\nend\n')");
  options_.absolute_tolerance = 1e-7f;
  options_.relative_tolerance = 0.25f;
  EXPECT_TRUE(RunTrialInChild(options_, kDigits, "", *clock_).status.ok());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(ModelTrialTest, RefusesAModelThatWantsMoreMemoryThanItMayHave) {
  options_.memory_max_bytes = 64 << 10;
  const TrialVerdict verdict = RunTrialInChild(options_, kDigits, "", *clock_);
  EXPECT_EQ(verdict.status.code(), StatusCode::kGateRefused) << verdict.status.ToString();
}
#endif

// Each look at this clock takes 10 ms.
class SlowClock final : public Clock {
 public:
  int64_t NowMs() const override { return 0; }
  int64_t MonotonicMs() const override { return now_ms_ += 10; }
  void SleepMs(int64_t) override {}
  void WaitUntil(std::condition_variable&, std::unique_lock<std::mutex>&, int64_t) override {}

 private:
  mutable int64_t now_ms_ = 0;
};

TEST_F(ModelTrialTest, HoldsTheBestRunAgainstTheBudget) {
  SlowClock clock;
  GoldenCase golden = DigitsCase();
  golden.latency_budget_ms = 10;
  EXPECT_TRUE(RunTrial(options_, kDigits, WriteGolden({golden}), clock).status.ok());
  golden.latency_budget_ms = 9;
  const TrialVerdict slow = RunTrial(options_, kDigits, WriteGolden({golden}), clock);
  EXPECT_EQ(slow.reason, GODWIT_GATE_TOO_SLOW) << slow.status.ToString();
  EXPECT_THAT(slow.status.message(), HasSubstr("took 10 ms; the budget is 9 ms"));
  options_.latency_budget_ms = 9;
  EXPECT_EQ(RunTrial(options_, kDigits, "", clock).reason, GODWIT_GATE_TOO_SLOW);
}

TEST_F(ModelTrialTest, ComparesWithTheDefaultToleranceWhereTheFileSaysNone) {
  GoldenCase golden = DigitsCase();
  golden.absolute_tolerance = 0;
  golden.outputs[0].bytes[0] ^= 0x01;  // The last bit of a float.
  EXPECT_TRUE(RunTrial(options_, kDigits, WriteGolden({golden}), *clock_).status.ok());
  golden.relative_tolerance = 1e-12f;
  EXPECT_EQ(RunTrial(options_, kDigits, WriteGolden({golden}), *clock_).reason,
            GODWIT_GATE_GOLDEN_MISMATCH);
}

TEST(TrialReport, ReadsWhatItWroteAndNothingElse) {
  const TrialVerdict refused = Refused(GODWIT_GATE_TOO_SLOW, "slow\nand \x1b[31mred");
  const std::string text = EncodeTrialReport(refused);
  const auto read = ParseTrialReport(text);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->reason, GODWIT_GATE_TOO_SLOW);
  EXPECT_EQ(read->status.message(), "slow and  [31mred");
  EXPECT_TRUE(ParseTrialReport(EncodeTrialReport({}))->status.ok());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseTrialReport(text.substr(0, size)).has_value()) << size;
  }
  for (const char* const wrong : {"", "\nend\n", "x 20\nend\n", "202 20", "4711 20\nm\nend\n",
                                  "202 14\nm\nend\n", "-1 20\nm\nend\n", "0 20\nend"}) {
    EXPECT_FALSE(ParseTrialReport(wrong).has_value()) << wrong;
  }
  EXPECT_FALSE(ParseTrialReport("202 20\n" + std::string(5000, 'x') + "\nend\n").has_value());
}

}  // namespace
}  // namespace godwit
