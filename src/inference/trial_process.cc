// The parent's side of a trial in a process of its own.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "inference/model_trial.h"
#include "inference/own_folders.h"
#include "inference/trial_report.h"

extern char** environ;

namespace godwit {
namespace {

constexpr char kHelperName[] = "godwit-gate";
constexpr char kEnvironmentName[] = "GODWIT_GATE_PROGRAM";

// Closes when destroyed.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

// Empty when it is nowhere.
std::string FindHelper(const std::string& explicit_path) {
  if (!explicit_path.empty()) return explicit_path;
  if (const char* const path = getenv(kEnvironmentName); path != nullptr) return path;
  for (const std::string& folder : OwnFolders()) {
    for (const char* const place : {"/", "/../bin/", "/godwit/", "/../lib/godwit/"}) {
      std::string path = folder + place + kHelperName;
      if (access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return "";
}

// Every digit, and a point in whatever language the app speaks.
std::string Decimal(float number) {
  std::array<char, 64> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::string(text.data(), end) : "0";
}

// The helper reads its orders from its arguments: see trial_main.cc.
std::vector<std::string> ArgumentsOf(const std::string& helper, const TrialOptions& options,
                                     const std::string& model_path,
                                     const std::string& golden_path) {
  return {helper,
          model_path,
          golden_path,
          options.library_path,
          std::to_string(options.threads),
          Decimal(options.absolute_tolerance),
          Decimal(options.relative_tolerance),
          std::to_string(options.latency_budget_ms),
          std::to_string(options.memory_max_bytes),
          std::to_string(options.cpu_seconds_max)};
}

// The child's output is the pipe, its other streams are nothing, and its signals are as new.
int Spawn(const std::vector<std::string>& arguments, int output, pid_t& child) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Reads until the child closes its end; false when the time is over.
bool ReadReport(int input, int64_t deadline_ms, Clock& clock, std::string& report) {
  std::array<char, 1024> piece;
  for (;;) {
    const int64_t left_ms = deadline_ms - clock.MonotonicMs();
    if (left_ms <= 0) return false;
    pollfd wait = {input, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) continue;  // The deadline tells.
    const ssize_t count = read(input, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    // One byte too many shows that this is no report; the rest need not be kept.
    const size_t room = kTrialReportMaxBytes + 1 - report.size();
    report.append(piece.data(), std::min(room, static_cast<size_t>(count)));
  }
}

TrialVerdict Died(int signal, const TrialOptions& options) {
  if (signal == SIGXCPU) {
    return Refused(GODWIT_GATE_TIMEOUT, "the trial run took more than " +
                                            std::to_string(options.cpu_seconds_max) +
                                            " s of processor time");
  }
  if (signal == SIGSYS) {
    return Refused(GODWIT_GATE_CRASH,
                   "the trial run asked the system for what no model needs, and was ended");
  }
  return Refused(GODWIT_GATE_CRASH, "the trial run crashed (signal " + std::to_string(signal) +
                                        "); it may have wanted more than " +
                                        std::to_string(options.memory_max_bytes >> 20) +
                                        " MiB of memory");
}

// REQUIRES: the child has closed its output, or its time is over.
TrialVerdict Conclude(pid_t child, const std::string& report, const TrialOptions& options) {
  // One that ends is no longer reached by this; one that only closed its output is.
  kill(child, SIGKILL);
  int status = 0;
  pid_t waited = 0;
  do {
    waited = waitpid(child, &status, 0);
  } while (waited < 0 && errno == EINTR);
  // An app may wait for every child there is, or for none; then the report alone tells.
  const bool known = waited == child;
  if (known && WIFSIGNALED(status)) return Died(WTERMSIG(status), options);
  auto verdict = ParseTrialReport(report);
  // To TryModel this code says that no child can be had; who speaks here has been one, and must not
  // get its model run without one.
  const bool plausible = verdict && verdict->status.code() != StatusCode::kUnimplemented;
  if (plausible && (!known || WEXITSTATUS(status) == 0)) return *std::move(verdict);
  return {Status(StatusCode::kInternal,
                 "the program that tries new models ended without a report; check that it is the "
                 "one that came with this library")};
}

}  // namespace

TrialVerdict RunTrialInChild(const TrialOptions& options, const std::string& model_path,
                             const std::string& golden_path, Clock& clock) {
  if (TrialVerdict checked = CheckModelFile(model_path); !checked.status.ok()) return checked;
  const std::string helper = FindHelper(options.helper_path);
  if (helper.empty()) {
    return {Status(StatusCode::kUnimplemented,
                   "the program godwit-gate, which tries new models, was not found; install it "
                   "beside this library, or set GODWIT_GATE_PROGRAM")};
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return {Status(StatusCode::kResourceExhausted,
                   std::string("no pipe for the trial of a model: ") + std::strerror(errno))};
  }
  const Descriptor input(ends[0]);
  pid_t child = 0;
  int error = 0;
  {
    const Descriptor made(ends[1]);
    // Above the three that the child's own streams take, which an app may have closed.
    const Descriptor output(fcntl(made.number(), F_DUPFD_CLOEXEC, 3));
    error = output.number() < 0 ? errno
                                : Spawn(ArgumentsOf(helper, options, model_path, golden_path),
                                        output.number(), child);
  }
  if (error != 0) {
    return {Status(error == ENOENT || error == EACCES ? StatusCode::kUnimplemented
                                                      : StatusCode::kResourceExhausted,
                   helper + " cannot be started: " + std::strerror(error))};
  }
  std::string report;
  if (!ReadReport(input.number(), clock.MonotonicMs() + options.timeout_ms, clock, report)) {
    (void)Conclude(child, report, options);
    return Refused(GODWIT_GATE_TIMEOUT, "the trial run did not end within " +
                                            std::to_string(options.timeout_ms) + " ms");
  }
  return Conclude(child, report, options);
}

TrialVerdict TryModel(const TrialOptions& options, const std::string& model_path,
                      const std::string& golden_path, Clock& clock) {
  if (!options.in_process) {
    TrialVerdict verdict = RunTrialInChild(options, model_path, golden_path, clock);
    if (verdict.status.code() != StatusCode::kUnimplemented) return verdict;
  }
  return RunTrial(options, model_path, golden_path, clock);
}

}  // namespace godwit
