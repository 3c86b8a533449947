// `godwit gate` and `godwit model golden`: how a device will judge a model.
#include <optional>
#include <random>
#include <utility>

#include "cli/commands.h"
#include "cli/model_input.h"
#include "cli/text_format.h"
#include "inference/model_trial.h"
#include "protocol/event_kinds.h"
#include "tflite/golden_file.h"

namespace godwit::cli {
namespace {

constexpr uint32_t kSeed = 1;  // The same inputs each time.
// A quantised output may be off by this many of its steps: kernels round in different ways.
constexpr float kStepsOff = 2;

std::string TextOf(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Numbers between 0 and 1.
Result<std::vector<std::byte>> RandomInput(const TensorInfo& info) {
  std::mt19937 random(kSeed);
  std::uniform_real_distribution<float> uniform(0, 1);
  const uint32_t element_bytes = tflite::TensorTypeBytes(info.type);
  std::vector<float> values(element_bytes == 0 ? 0 : info.size_bytes / element_bytes);
  for (float& value : values) value = uniform(random);
  std::vector<std::byte> bytes(info.size_bytes);
  GODWIT_RETURN_IF_ERROR(QuantizeTo(info, values, bytes).WithContext("input '" + info.name + "'"));
  return bytes;
}

// One case: the files are its inputs in order, random numbers where there is none.
Result<tflite::GoldenCase> RecordCase(Interpreter& interpreter, std::span<const std::string> files,
                                      const ModelGoldenOptions& options) {
  tflite::GoldenCase golden;
  golden.name = files.empty() ? "random" : files.front().substr(files.front().rfind('/') + 1);
  golden.name.resize(std::min<size_t>(golden.name.size(), tflite::kGoldenNameMaxBytes));
  std::vector<std::vector<std::byte>> inputs;
  for (size_t i = 0; i < interpreter.inputs().size(); ++i) {
    GODWIT_ASSIGN_OR_RETURN(auto bytes, files.empty() ? RandomInput(interpreter.inputs()[i])
                                                      : LoadTensorFor(files[i], interpreter, i));
    inputs.push_back(std::move(bytes));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorInfo& info = interpreter.inputs()[i];
    golden.inputs.push_back({info.name, info.type, info.shape, TextOf(inputs[i])});
  }
  const std::vector<std::span<const std::byte>> spans(inputs.begin(), inputs.end());
  GODWIT_RETURN_IF_ERROR(interpreter.Run(spans, {}).WithContext("run the model"));
  golden.absolute_tolerance = static_cast<float>(options.absolute_tolerance);
  golden.relative_tolerance = static_cast<float>(options.relative_tolerance);
  for (size_t i = 0; i < interpreter.outputs().size(); ++i) {
    const TensorInfo& info = interpreter.outputs()[i];
    golden.outputs.push_back(
        {info.name, info.type, info.shape, TextOf(interpreter.output_data(i))});
    golden.absolute_tolerance = std::max(golden.absolute_tolerance, kStepsOff * info.scale);
  }
  golden.latency_budget_ms = options.latency_budget_ms;
  return golden;
}

Result<std::vector<tflite::GoldenCase>> RecordCases(Interpreter& interpreter,
                                                    const ModelGoldenOptions& options) {
  const size_t wanted = interpreter.inputs().size();
  if (wanted == 0 || options.inputs.size() % wanted != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "the model takes " + std::to_string(wanted) + " inputs and got " +
                      std::to_string(options.inputs.size()) +
                      " files, so nothing was written; give --input FILE for each input of each "
                      "case, in order");
  }
  std::vector<tflite::GoldenCase> cases;
  const std::span<const std::string> files(options.inputs);
  for (size_t first = 0; first == 0 || first < files.size(); first += wanted) {
    const auto of_case = files.empty() ? files : files.subspan(first, wanted);
    GODWIT_ASSIGN_OR_RETURN(auto golden, RecordCase(interpreter, of_case, options));
    cases.push_back(std::move(golden));
  }
  if (cases.size() > tflite::kGoldenCasesMax) {
    return Status(StatusCode::kInvalidArgument, "a file of golden inputs holds at most " +
                                                    std::to_string(tflite::kGoldenCasesMax) +
                                                    " cases; give fewer");
  }
  return cases;
}

}  // namespace

Status RunModelGolden(Context& context, const ModelGoldenOptions& options) {
  InterpreterOptions interpreter_options;
  interpreter_options.library_path = options.runtime;
  GODWIT_ASSIGN_OR_RETURN(const auto interpreter,
                          Interpreter::Open(options.file, interpreter_options));
  GODWIT_ASSIGN_OR_RETURN(const auto cases, RecordCases(*interpreter, options));
  const std::string bytes = tflite::EncodeGoldenFile(cases);
  GODWIT_RETURN_IF_ERROR(
      tflite::ParseGoldenFile(std::as_bytes(std::span(bytes))).status());  // Within the limits?
  GODWIT_RETURN_IF_ERROR(ReplaceFile(context.fs, options.output, bytes));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"file", Json(options.output)},
                                            {"cases", Json(uint64_t{cases.size()})},
                                            {"sizeBytes", Json(uint64_t{bytes.size()})}}));
  } else {
    context.console.Note("wrote " + options.output + " with " + FormatCount(cases.size()) +
                         (cases.size() == 1 ? " case" : " cases") + ", " +
                         FormatBytes(bytes.size()));
  }
  return Status::Ok();
}

Status RunGate(Context& context, const GateCommandOptions& options) {
  TrialOptions trial;
  trial.library_path = options.runtime;
  trial.threads = options.threads;
  trial.latency_budget_ms = options.latency_budget_ms;
  const TrialVerdict verdict = TryModel(trial, options.file, options.golden, context.clock);
  const bool refused = verdict.status.code() == StatusCode::kGateRefused;
  if (!verdict.status.ok() && !refused) return verdict.status;
  if (refused) context.exit_code = kExitBadData;
  const std::string reason(refused ? EventReasonName(static_cast<EventReason>(verdict.reason))
                                   : "");
  if (context.json) {
    Json json = Json::Object({{"accepted", Json(!refused)}});
    if (refused) {
      json.Set("reason", Json(reason)).Set("message", Json(verdict.status.message()));
    }
    context.console.PrintJson(json);
  } else if (refused) {
    context.console.Print(context.console.Styled(Style::kRed, "refused") + " " + reason + ": " +
                          Printable(verdict.status.message()) + "\n");
  } else {
    context.console.Print(context.console.Styled(Style::kGreen, "accepted") + "\n");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
