// EventReporter: records events and sends them to the server, if the user agreed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "device/event_journal.h"
#include "device/installation.h"
#include "device/servers.h"

namespace godwit {

struct EventReporterOptions {
  std::string project_id;
  std::string api_key;
  bool consent = false;
};

// Without consent it records nothing, sends nothing and has no thread. Thread-safe. The destructor
// cancels what is being sent; the next client sends it again.
class EventReporter final : public EventSink {
 public:
  // All borrowed.
  EventReporter(const EventReporterOptions& options, EventJournal& journal,
                Installation& installation, Servers& servers, Logger& logger);
  ~EventReporter() override;

  // Taking consent back erases what was recorded and not sent. Blocks on the disk.
  Status SetConsent(bool consent);

  void Record(const DeviceEvent& event) override;
  void SendSoon() override;

  // Blocks until nothing is being sent.
  void WaitUntilIdle();

 private:
  void Run();
  Status SendAll();
  // Whether there may be another batch to send at once.
  Result<bool> SendOne(const EventBatch& batch);

  const EventReporterOptions options_;
  EventJournal& journal_;
  Installation& installation_;
  Servers& servers_;
  Logger& logger_;
  std::atomic<bool> consent_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;  // Guarded by mutex_, as are these.
  bool sending_ = false;
  std::thread thread_;  // Started when it is needed first.
};

}  // namespace godwit
