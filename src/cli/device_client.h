// DeviceClient: the device SDK as the command line uses it, with a store, progress and a log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/trial_gate.h"
#include "device/client.h"

namespace godwit::cli {

// Keeps a library's warnings and errors until they are shown to a person. Thread-safe.
class NoteLogger final : public Logger {
 public:
  explicit NoteLogger(Console& console) : console_(console) {}

  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override;

  // Shows what came since the last call, but not what `reported` is going to say. Only the
  // thread that owns the console may call it.
  void Show(const Status& reported = Status::Ok());

 private:
  struct Line {
    std::string text;
    std::string cause;
  };

  Console& console_;
  std::mutex mutex_;
  std::vector<Line> lines_;
};

// Passes requests on and remembers from which byte the last one asked for a file's rest.
class ResumeWatch final : public HttpClient {
 public:
  explicit ResumeWatch(HttpClient& http) : http_(http) {}
  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override;

  // That byte, once for each such request; 0 when there was none since the last call.
  uint64_t TakeResumedAt() { return resumed_at_.exchange(0); }

 private:
  HttpClient& http_;
  std::atomic<uint64_t> resumed_at_ = 0;
};

struct DeviceClientOptions {
  std::string store;  // Empty: the default one.
  uint64_t limit_rate_bytes_per_s = 0;
  bool gate = false;  // Try new versions before they are switched to.
  bool events_consent = false;
};

// Not thread-safe. Borrows the context.
class DeviceClient {
 public:
  static Result<std::unique_ptr<DeviceClient>> Open(Context& context,
                                                    const DeviceClientOptions& options);

  // Blocks until the model is there; shows how far the download is, where it resumes, and which
  // conditions it waits for.
  Result<Model> Get(const std::string& address, DownloadType type,
                    const DownloadConditions& conditions = {});

  // Blocks until no update runs but those that wait for their conditions; says if one brought
  // another file than `model`.
  void FinishUpdate(const Model& model);

  Client& client() { return *client_; }

 private:
  explicit DeviceClient(Context& context)
      : context_(context), logger_(context.console), watch_(context.http), gate_(context.clock) {}
  void NoteResume(uint64_t total_bytes);

  Context& context_;
  NoteLogger logger_;
  ResumeWatch watch_;
  TrialGate gate_;
  std::unique_ptr<Client> client_;  // Last, for its threads use the others.
};

}  // namespace godwit::cli
