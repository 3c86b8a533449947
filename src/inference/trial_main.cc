// godwit-gate: tries one model in a process of its own, confined, and reports to its parent.
// Started by trial_process.cc, which gives the arguments in the order in which they are read here.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "inference/model_trial.h"
#include "inference/runtime.h"
#include "inference/trial_report.h"
#include "inference/trial_sandbox.h"

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace godwit {
namespace {

constexpr int kArgumentCount = 10;

// What the app left open is none of the model's business.
void CloseWhatIsOpen() {
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, 3, ~0u, 0) == 0) return;
#endif
  for (int number = 3; number < 1024; ++number) close(number);
}

bool ReadDecimal(const char* text, float& number) {
  const char* const end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end;
}

TrialVerdict Try(char** arguments, Clock& clock) {
  TrialOptions options;
  const std::string model_path = arguments[1];
  const std::string golden_path = arguments[2];
  options.library_path = arguments[3];
  options.threads = std::atoi(arguments[4]);
  if (!ReadDecimal(arguments[5], options.absolute_tolerance) ||
      !ReadDecimal(arguments[6], options.relative_tolerance)) {
    return {Status(StatusCode::kInternal, "the trial's tolerances are no numbers")};
  }
  options.latency_budget_ms = static_cast<uint32_t>(std::strtoul(arguments[7], nullptr, 10));
  options.memory_max_bytes = std::strtoull(arguments[8], nullptr, 10);
  options.cpu_seconds_max = static_cast<uint32_t>(std::strtoul(arguments[9], nullptr, 10));
  // The library is ours and large, and the file is mapped: they do not count.
  const auto runtime = Runtime::Load(DefaultRuntimeSearch(options.library_path));
  if (!runtime.ok()) return {runtime.status()};
  struct stat file = {};
  if (stat(model_path.c_str(), &file) == 0) {
    options.memory_max_bytes += static_cast<uint64_t>(file.st_size);
  }
  const Status confined = EnterSandbox({options.memory_max_bytes, options.cpu_seconds_max});
  if (!confined.ok()) return {confined};
  options.library_path = runtime->path;
  return RunTrial(options, model_path, golden_path, clock);
}

int Main(int argument_count, char** arguments) {
  if (argument_count != kArgumentCount) return 2;  // Not for people: only the library starts it.
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // No trial outlives its app.
#endif
  CloseWhatIsOpen();
  const auto clock = NewSystemClock();
  const std::string report = EncodeTrialReport(Try(arguments, *clock));
  const ssize_t written = write(1, report.data(), report.size());
  // At once: a model that hurt the heap shall not be judged by how its process tidies up.
  _exit(written == static_cast<ssize_t>(report.size()) ? 0 : 1);
}

}  // namespace
}  // namespace godwit

int main(int argument_count, char** arguments) { return godwit::Main(argument_count, arguments); }
