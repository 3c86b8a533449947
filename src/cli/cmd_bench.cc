// `godwit bench`: how long one run of a model takes on this machine.
#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "cli/commands.h"
#include "cli/device_client.h"
#include "cli/text_format.h"
#include "inference/interpreter.h"

namespace godwit::cli {
namespace {

constexpr uint32_t kSeed = 1;  // The same inputs each time, so that two runs can be compared.
constexpr int kWarmUpRuns = 3;
constexpr size_t kRunsMax = 1'000'000;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Numbers between 0 and 1 in each input.
Result<std::vector<std::vector<std::byte>>> MakeInputs(const Interpreter& interpreter) {
  std::mt19937 random(kSeed);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<std::vector<std::byte>> inputs;
  for (const TensorInfo& info : interpreter.inputs()) {
    const uint32_t element_bytes = tflite::TensorTypeBytes(info.type);
    std::vector<float> values(element_bytes == 0 ? 0 : info.size_bytes / element_bytes);
    for (float& value : values) value = uniform(random);
    inputs.emplace_back(info.size_bytes);
    GODWIT_RETURN_IF_ERROR(
        QuantizeTo(info, values, inputs.back()).WithContext("input '" + info.name + "'"));
  }
  return inputs;
}

// Sorted times of single runs in nanoseconds.
Result<std::vector<int64_t>> Measure(Interpreter& interpreter, double seconds) {
  GODWIT_ASSIGN_OR_RETURN(const auto inputs, MakeInputs(interpreter));
  const std::vector<std::span<const std::byte>> spans(inputs.begin(), inputs.end());
  for (int i = 0; i < kWarmUpRuns; ++i) GODWIT_RETURN_IF_ERROR(interpreter.Run(spans, {}));
  std::vector<int64_t> times;
  const int64_t end_ns = NowNs() + static_cast<int64_t>(seconds * 1e9);
  for (int64_t before_ns = NowNs(); times.size() < kRunsMax;) {
    GODWIT_RETURN_IF_ERROR(interpreter.Run(spans, {}));
    const int64_t after_ns = NowNs();
    times.push_back(after_ns - before_ns);
    before_ns = after_ns;
    if (after_ns >= end_ns) break;
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

Status RunBench(Context& context, const BenchOptions& options) {
  NoteLogger logger(context.console);
  InterpreterOptions interpreter_options;
  interpreter_options.library_path = options.runtime;
  interpreter_options.threads = options.threads;
  interpreter_options.logger = &logger;
  const int64_t load_start_ns = NowNs();
  GODWIT_ASSIGN_OR_RETURN(const auto interpreter,
                          Interpreter::Open(options.file, interpreter_options));
  logger.Show();
  const int64_t load_ns = NowNs() - load_start_ns;
  GODWIT_ASSIGN_OR_RETURN(const std::vector<int64_t> times, Measure(*interpreter, options.seconds));
  const auto percentile = [&](double share) {
    const auto at = static_cast<size_t>(share * static_cast<double>(times.size()));
    return times[std::min(at, times.size() - 1)];
  };
  const bool xnnpack = interpreter->acceleration() == Acceleration::kXnnpack;
  const struct {
    const char* name;
    const char* json_name;
    int64_t nanoseconds;
  } rows[] = {{"load", "loadNs", load_ns},
              {"fastest", "minNs", times.front()},
              {"median", "medianNs", percentile(0.5)},
              {"90 %", "p90Ns", percentile(0.9)},
              {"99 %", "p99Ns", percentile(0.99)}};
  if (context.json) {
    Json json = Json::Object({{"model", Json(options.file)},
                              {"runs", Json(uint64_t{times.size()})},
                              {"threads", Json(options.threads)},
                              {"runtime", Json(interpreter->runtime_version())},
                              {"acceleration", Json(xnnpack ? "xnnpack" : "none")}});
    for (const auto& row : rows) json.Set(row.json_name, Json(row.nanoseconds));
    context.console.PrintJson(json);
    return Status::Ok();
  }
  context.console.Print(Printable(options.file) + "\n");
  context.console.Print("  " + PadRight("runtime", 9) +
                        Printable(std::string(interpreter->runtime_version())) + ", " +
                        (xnnpack ? "XNNPACK" : "plain kernels") + ", threads " +
                        std::to_string(options.threads) + "\n");
  context.console.Print("  " + PadRight("runs", 9) + FormatCount(times.size()) + "\n");
  for (const auto& row : rows) {
    context.console.Print("  " + PadRight(row.name, 9) +
                          FormatNanoseconds(static_cast<double>(row.nanoseconds)) + "\n");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
