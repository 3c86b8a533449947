// Compares Interpreter::Run with the bare C API of the same library, in alternating pairs.
//   inference_bench MODEL.tflite...
// The bare side copies into the tensors, invokes and copies out: what an app would write by
// hand at best. Both sides use the same kernels and one thread.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "inference/delegate.h"
#include "inference/interpreter.h"
#include "inference/runtime.h"

namespace {
std::atomic<uint64_t> allocation_count{0};
}  // namespace

// Counts every allocation of the process, also those of the C and C++ libraries.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* malloc(size_t size) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(block, size);
}
}

namespace godwit {
namespace {

constexpr int kPairsMax = 101;
constexpr int kPairsMin = 9;
constexpr double kBatchNanoseconds = 1e6;  // A batch lasts at least this long.
constexpr double kModelNanoseconds = 1e9;  // No further pairs of a model after that.
constexpr int kBatchCallsMax = 20000;

using Buffers = std::vector<std::vector<std::byte>>;

// The bare C API, set up as the interpreter sets it up.
class BareInterpreter {
 public:
  BareInterpreter(const Runtime& runtime, const std::string& model, bool accelerate)
      : symbols_(runtime.symbols), model_(symbols_.model_create(model.data(), model.size())) {
    for (const DelegateKind kind : DelegateLadder(runtime, accelerate)) {
      delegate_ = CreateDelegate(runtime, kind, 1);
      TfLiteInterpreterOptions* const options = symbols_.options_create();
      symbols_.options_set_threads(options, 1);
      if (delegate_ != nullptr) symbols_.options_add_delegate(options, delegate_);
      interpreter_ = symbols_.create(model_, options);
      symbols_.options_delete(options);
      if (interpreter_ != nullptr && symbols_.allocate(interpreter_) == kTfLiteOk) return;
      Drop();
    }
  }
  ~BareInterpreter() {
    Drop();
    symbols_.model_delete(model_);
  }
  BareInterpreter(const BareInterpreter&) = delete;
  BareInterpreter& operator=(const BareInterpreter&) = delete;

  bool ready() const { return interpreter_ != nullptr; }

  bool Run(const Buffers& inputs, Buffers& outputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      TfLiteTensor* const tensor = symbols_.input(interpreter_, static_cast<int32_t>(i));
      std::memcpy(symbols_.tensor_data(tensor), inputs[i].data(), inputs[i].size());
    }
    if (symbols_.invoke(interpreter_) != kTfLiteOk) return false;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TfLiteTensor* const tensor = symbols_.output(interpreter_, static_cast<int32_t>(i));
      std::memcpy(outputs[i].data(), symbols_.tensor_data(tensor), outputs[i].size());
    }
    return true;
  }

 private:
  void Drop() {
    if (interpreter_ != nullptr) symbols_.destroy(interpreter_);
    if (delegate_ != nullptr) symbols_.xnnpack_delete(delegate_);
    interpreter_ = nullptr;
    delegate_ = nullptr;
  }

  const RuntimeSymbols symbols_;
  TfLiteModel* model_;
  TfLiteDelegate* delegate_ = nullptr;
  TfLiteInterpreter* interpreter_ = nullptr;
};

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double ProcessNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Nanoseconds of one of `calls` calls: of the processor, so that other work on the machine is
// not counted.
template <typename Call>
double Time(int calls, Call call) {
  const double start = ProcessNanoseconds();
  for (int i = 0; i < calls; ++i) call();
  return (ProcessNanoseconds() - start) / calls;
}

struct Measured {
  double bare_ns = 0;
  double over_ns = 0;  // Median of the pairs' differences.
  double ratio = 0;    // Median of the pairs' ratios.
  double allocations = 0;
  bool equal = false;
};

template <typename Bare, typename Ours>
Measured MeasurePairs(Bare bare, Ours ours) {
  const double once = Time(3, bare);
  const int calls = std::clamp(static_cast<int>(kBatchNanoseconds / once), 1, kBatchCallsMax);
  std::mt19937 random(1);
  std::vector<double> bares, differences, ratios;
  uint64_t allocated = 0;
  const double start = ProcessNanoseconds();
  int pairs = 0;
  for (; pairs < kPairsMax; ++pairs) {
    if (pairs >= kPairsMin && ProcessNanoseconds() - start > kModelNanoseconds) break;
    double bare_ns = 0;
    double ours_ns = 0;
    const bool ours_first = (random() & 1) != 0;
    for (const bool second : {false, true}) {
      const uint64_t before = allocation_count;
      if (ours_first != second) {
        ours_ns = Time(calls, ours);
        allocated += allocation_count - before;
      } else {
        bare_ns = Time(calls, bare);
        allocated -= allocation_count - before;  // What the library itself allocates.
      }
    }
    bares.push_back(bare_ns);
    differences.push_back(ours_ns - bare_ns);
    ratios.push_back(ours_ns / bare_ns);
  }
  return {
      Median(bares), Median(differences), Median(ratios),
      static_cast<double>(static_cast<int64_t>(allocated)) / (static_cast<double>(pairs) * calls),
      false};
}

std::string ReadFile(const char* path) {
  std::string bytes;
  if (FILE* const file = std::fopen(path, "rb"); file != nullptr) {
    char chunk[65536];
    for (size_t n; (n = std::fread(chunk, 1, sizeof(chunk), file)) > 0;) bytes.append(chunk, n);
    std::fclose(file);
  }
  return bytes;
}

// The same noise for both sides. Integers other than bytes stay 0: they may be indices.
Buffers MakeInputs(const Interpreter& interpreter) {
  std::mt19937 random(7);
  Buffers inputs;
  for (const TensorInfo& info : interpreter.inputs()) {
    std::vector<std::byte>& input = inputs.emplace_back(info.size_bytes);
    if (info.type == tflite::TensorType::kFloat32) {
      for (size_t i = 0; i + 4 <= input.size(); i += 4) {
        const float value = static_cast<float>(random() >> 8) / 8388608.0f - 1.0f;
        std::memcpy(&input[i], &value, 4);
      }
    } else if (tflite::TensorTypeBytes(info.type) == 1 && info.type != tflite::TensorType::kBool) {
      for (std::byte& value : input) value = static_cast<std::byte>(random() >> 24);
    }
  }
  return inputs;
}

// Prints the model's row; false when it could not be measured.
bool Measure(const char* path, const Runtime& runtime, std::vector<Measured>& all) {
  const char* const slash = std::strrchr(path, '/');
  const char* const name = slash == nullptr ? path : slash + 1;
  InterpreterOptions options;
  options.library_path = runtime.path;
  const std::string bytes = ReadFile(path);
  auto opened = Interpreter::Open(path, options);
  if (!opened.ok()) {
    std::printf("%-42.42s not run: %.100s\n", name, opened.status().message().c_str());
    return false;
  }
  Interpreter& ours = **opened;
  BareInterpreter bare(runtime, bytes, true);
  const Buffers inputs = MakeInputs(ours);
  std::vector<std::span<const std::byte>> input_spans(inputs.begin(), inputs.end());
  Status status = ours.Run(input_spans, {});
  if (!bare.ready() || !status.ok()) {
    std::printf("%-42.42s not run: %.100s\n", name, status.message().c_str());
    return false;
  }
  Buffers our_outputs;
  for (const TensorInfo& info : ours.outputs()) our_outputs.emplace_back(info.size_bytes);
  Buffers bare_outputs = our_outputs;
  std::vector<std::span<std::byte>> output_spans(our_outputs.begin(), our_outputs.end());
  // A model with a state has run once on our side by now.
  Buffers unused = bare_outputs;
  bool ok = bare.Run(inputs, unused);
  ok = ok && bare.Run(inputs, bare_outputs) && ours.Run(input_spans, output_spans).ok();
  const bool equal = ok && our_outputs == bare_outputs;
  Measured measured = MeasurePairs([&] { ok &= bare.Run(inputs, bare_outputs); },
                                   [&] { ok &= ours.Run(input_spans, output_spans).ok(); });
  measured.equal = equal;
  all.push_back(measured);
  std::printf("%-42.42s %12.0f %+9.0f %8.4f %7.2f %6s\n", name, measured.bare_ns, measured.over_ns,
              measured.ratio, measured.allocations, equal && ok ? "equal" : "DIFFER");
  std::fflush(stdout);
  return true;
}

int Run(int count, char** paths) {
  const Result<Runtime> runtime = Runtime::Load(DefaultRuntimeSearch(""));
  if (!runtime.ok()) {
    std::fprintf(stderr, "inference_bench: %s\n", runtime.status().ToString().c_str());
    return 1;
  }
  std::printf("TensorFlow Lite %s, one thread, medians of %d to %d pairs\n",
              runtime->version.c_str(), kPairsMin, kPairsMax);
  std::printf("%-42s %12s %9s %8s %7s %6s\n", "model", "bare ns", "ours +ns", "ratio", "allocs",
              "bytes");
  std::vector<Measured> all;
  for (int i = 0; i < count; ++i) Measure(paths[i], *runtime, all);
  std::vector<double> small, ratios;
  double allocations = 0;
  size_t equal = 0;
  for (const Measured& measured : all) {
    (measured.bare_ns < 50e3 ? small : ratios)
        .push_back(measured.bare_ns < 50e3 ? measured.over_ns : measured.ratio);
    allocations = std::max(allocations, measured.allocations);
    equal += measured.equal;
  }
  std::printf("\n%zu models run, %zu byte-equal, at most %.2f allocations a call\n", all.size(),
              equal, allocations);
  if (!small.empty()) {
    std::printf("below 0.05 ms: %zu models, median %+.0f ns a call, worst %+.0f ns\n", small.size(),
                Median(small), *std::max_element(small.begin(), small.end()));
  }
  if (!ratios.empty()) {
    std::printf("above 0.05 ms: %zu models, median ratio %.4f, worst %.4f\n", ratios.size(),
                Median(ratios), *std::max_element(ratios.begin(), ratios.end()));
  }
  return 0;
}

}  // namespace
}  // namespace godwit

int main(int argc, char** argv) { return godwit::Run(argc - 1, argv + 1); }
