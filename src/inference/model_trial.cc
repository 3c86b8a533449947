#include "inference/model_trial.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "inference/model_bytes.h"
#include "inference/model_safety.h"
#include "tflite/golden_file.h"

namespace godwit {
namespace {

// The best of so many runs is held against the budget: a busy device is not a slow model.
constexpr int kTimedRuns = 5;

using tflite::GoldenCase;
using tflite::GoldenTensor;

// What went wrong with the model refuses it; what went wrong with the device does not.
TrialVerdict Judge(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return {};
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented:
      return Refused(GODWIT_GATE_NOT_LOADABLE, status.message());
    default:
      return {status};
  }
}

std::string InCase(const GoldenCase& golden, const std::string& message) {
  return "golden inputs '" + golden.name + "': " + message;
}

// By name; where the golden file has none, by place.
std::optional<size_t> FindTensor(std::span<const TensorInfo> infos, const GoldenTensor& tensor,
                                 size_t place) {
  for (size_t i = 0; i < infos.size(); ++i) {
    if (tensor.name.empty() ? i == place : infos[i].name == tensor.name) return i;
  }
  return std::nullopt;
}

// The input's bytes in the model's order, after its shapes were set; the text says what does not
// fit.
Result<std::vector<std::span<const std::byte>>> BindInputs(Interpreter& interpreter,
                                                           const GoldenCase& golden) {
  const auto wrong = [](const std::string& message) {
    return Status(StatusCode::kFailedPrecondition, message);
  };
  const size_t count = interpreter.inputs().size();
  if (golden.inputs.size() != count) {
    return wrong("the model takes " + std::to_string(count) + " inputs");
  }
  std::vector<std::span<const std::byte>> inputs(count);
  for (size_t place = 0; place < count; ++place) {
    const GoldenTensor& tensor = golden.inputs[place];
    const auto index = FindTensor(interpreter.inputs(), tensor, place);
    if (!index) return wrong("the model has no input '" + tensor.name + "'");
    if (interpreter.inputs()[*index].type != tensor.type) {
      return wrong("input '" + tensor.name + "' has another type");
    }
    if (interpreter.inputs()[*index].shape != tensor.shape) {
      GODWIT_RETURN_IF_ERROR(interpreter.ResizeInput(*index, tensor.shape));
    }
    inputs[*index] = std::as_bytes(std::span(tensor.bytes));
  }
  return inputs;
}

bool IsNear(double found, double expected, double absolute, double relative) {
  if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) == std::isnan(found);
  if (std::isinf(expected) || std::isinf(found)) return expected == found;
  return std::abs(found - expected) <= absolute + relative * std::abs(expected);
}

std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

// Empty when the output is as it should be.
std::string CompareOutput(const TrialOptions& options, const GoldenCase& golden,
                          const GoldenTensor& expected, const TensorInfo& info,
                          std::span<const std::byte> found) {
  if (info.type != expected.type || found.size() != expected.bytes.size()) {
    return "output '" + info.name + "' has another type or shape";
  }
  const auto expected_bytes = std::as_bytes(std::span(expected.bytes));
  const auto wanted = Dequantize(info, expected_bytes);
  const auto given = Dequantize(info, found);
  if (!wanted.ok() || !given.ok()) {
    // No numbers: the bytes must be the same.
    const bool same = std::equal(found.begin(), found.end(), expected_bytes.begin());
    return same ? "" : "output '" + info.name + "' differs";
  }
  const bool none = golden.absolute_tolerance == 0 && golden.relative_tolerance == 0;
  const float absolute = none ? options.absolute_tolerance : golden.absolute_tolerance;
  const float relative = none ? options.relative_tolerance : golden.relative_tolerance;
  for (size_t i = 0; i < wanted->size(); ++i) {
    if (IsNear((*given)[i], (*wanted)[i], absolute, relative)) continue;
    return "output '" + info.name + "' has " + NumberText((*given)[i]) + " at " +
           std::to_string(i) + " and not " + NumberText((*wanted)[i]);
  }
  return "";
}

TrialVerdict CompareOutputs(const TrialOptions& options, const GoldenCase& golden,
                            const Interpreter& interpreter) {
  for (size_t place = 0; place < golden.outputs.size(); ++place) {
    const GoldenTensor& expected = golden.outputs[place];
    const auto index = FindTensor(interpreter.outputs(), expected, place);
    if (!index) {
      return Refused(GODWIT_GATE_GOLDEN_MISMATCH,
                     InCase(golden, "the model has no output '" + expected.name + "'"));
    }
    const std::string difference = CompareOutput(
        options, golden, expected, interpreter.outputs()[*index], interpreter.output_data(*index));
    if (!difference.empty()) {
      return Refused(GODWIT_GATE_GOLDEN_MISMATCH, InCase(golden, difference));
    }
  }
  return {};
}

TrialVerdict RunCase(const TrialOptions& options, const GoldenCase& golden,
                     Interpreter& interpreter, Clock& clock) {
  const auto inputs = BindInputs(interpreter, golden);
  if (!inputs.ok()) {
    return Refused(GODWIT_GATE_GOLDEN_MISMATCH, InCase(golden, inputs.status().message()));
  }
  const uint32_t budget_ms =
      golden.latency_budget_ms != 0 ? golden.latency_budget_ms : options.latency_budget_ms;
  int64_t best_ms = INT64_MAX;
  for (int run = 0; run < kTimedRuns; ++run) {
    const int64_t start_ms = clock.MonotonicMs();
    Status ran = interpreter.Run(*inputs, {});
    // Sizes that only the run tells change once; the outputs are there nonetheless.
    if (!ran.ok() && run == 0) ran = interpreter.Run(*inputs, {});
    if (!ran.ok()) {
      return Refused(GODWIT_GATE_GOLDEN_MISMATCH, InCase(golden, ran.message()));
    }
    best_ms = std::min(best_ms, clock.MonotonicMs() - start_ms);
    if (run == 0) {
      TrialVerdict compared = CompareOutputs(options, golden, interpreter);
      if (!compared.status.ok()) return compared;
    }
    if (budget_ms == 0 || best_ms <= int64_t{budget_ms}) return {};
  }
  return Refused(GODWIT_GATE_TOO_SLOW,
                 InCase(golden, "the best of " + std::to_string(kTimedRuns) + " runs took " +
                                    std::to_string(best_ms) + " ms; the budget is " +
                                    std::to_string(budget_ms) + " ms"));
}

// Inputs of its own: fractions for floats, zeros for the rest (an index of 0 is in every table).
GoldenCase MakeUpCase(const Interpreter& interpreter) {
  GoldenCase made;
  made.name = "made up";
  uint32_t state = 1;
  for (const TensorInfo& info : interpreter.inputs()) {
    std::string bytes(info.size_bytes, '\0');
    if (info.type == tflite::TensorType::kFloat32) {
      for (size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
        state = state * 1664525u + 1013904223u;
        const float value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
        std::memcpy(bytes.data() + at, &value, sizeof value);
      }
    }
    made.inputs.push_back({"", info.type, info.shape, std::move(bytes)});
  }
  return made;
}

}  // namespace

TrialVerdict Refused(godwit_gate_reason reason, const std::string& message) {
  return {Status(StatusCode::kGateRefused, message), reason};
}

TrialVerdict CheckModelFile(const std::string& model_path) {
  const auto mapped = ModelBytes::Map(model_path);
  if (!mapped.ok()) return Judge(mapped.status());
  const auto model = tflite::ReadModel(mapped->bytes());
  if (!model.ok()) return Judge(model.status());
  const Status safe = CheckModelSafety(*model);
  if (!safe.ok()) return Refused(GODWIT_GATE_UNSAFE_OPERATOR, safe.message());
  return {};
}

TrialVerdict RunTrial(const TrialOptions& options, const std::string& model_path,
                      const std::string& golden_path, Clock& clock) {
  if (TrialVerdict checked = CheckModelFile(model_path); !checked.status.ok()) return checked;
  std::vector<GoldenCase> cases;
  if (!golden_path.empty()) {
    const auto mapped = ModelBytes::Map(golden_path);
    if (!mapped.ok()) return {mapped.status()};
    auto parsed = tflite::ParseGoldenFile(mapped->bytes());
    // The server checked it, so a newer one wrote it, or the disk failed: no fault of the model.
    if (!parsed.ok()) return {Status(StatusCode::kDataLoss, parsed.status().message())};
    cases = *std::move(parsed);
  }
  InterpreterOptions interpreter_options;
  interpreter_options.library_path = options.library_path;
  interpreter_options.threads = options.threads;
  auto opened = Interpreter::Open(model_path, interpreter_options);
  if (!opened.ok()) return Judge(opened.status());
  Interpreter& interpreter = **opened;
  const bool feedable =
      std::none_of(interpreter.inputs().begin(), interpreter.inputs().end(),
                   [](const TensorInfo& info) { return tflite::TensorTypeBytes(info.type) == 0; });
  if (golden_path.empty() && feedable) {
    const TrialVerdict made_up = RunCase(options, MakeUpCase(interpreter), interpreter, clock);
    // A model need not take what nobody chose for it; that it came back is what counts.
    return made_up.reason == GODWIT_GATE_TOO_SLOW ? made_up : TrialVerdict();
  }
  for (const GoldenCase& golden : cases) {
    TrialVerdict verdict = RunCase(options, golden, interpreter, clock);
    if (!verdict.status.ok()) return verdict;
  }
  return {};
}

}  // namespace godwit
