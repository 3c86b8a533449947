// EventJournal: sums of what happened to the models on this device, until the server has them.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/event_log.h"
#include "device/state_file.h"
#include "fs/file_system.h"
#include "protocol/event_messages.h"

namespace godwit {

// One file in a store's folder, replaced as a whole, so that a crash leaves the old sums or the new
// ones. It never grows beyond kEventRowsKept rows to be sent and as many that are being sent.
// Thread-safe, and shared with other processes by a lock that is taken after all others. Blocks on
// the disk.
class EventJournal {
 public:
  static constexpr size_t kEventRowsKept = 96;              // What does not fit is not counted.
  static constexpr int64_t kSentBytesPerDayMax = 64 << 10;  // Repetitions count, too.

  // All borrowed. directory: the store's.
  EventJournal(FileSystem& fs, const Clock& clock, Logger& logger, std::string directory);

  Status Add(const DeviceEvent& event);

  // What to send now: the batch that was not acknowledged, or a new one of all that was added.
  // nullopt when there is nothing, or the day's bytes are spent.
  Result<std::optional<EventBatch>> NextBatch();

  // The server has taken everything up to last_sequence, or refused for good what this device
  // sent as that.
  Status Acknowledge(int64_t last_sequence);

  // Removes the file, and with it all that it said.
  Status Erase();

 private:
  struct State {
    int64_t last_sequence = 0;
    int64_t sent_day = 0;
    int64_t sent_bytes = 0;  // On sent_day.
    EventBatch batch;        // Sent and not acknowledged; without rows: none.
    std::map<EventKey, EventSums> added;
  };

  Result<State> Read();
  static Result<State> Parse(const Json& json);
  Status Write(const State& state);
  Result<std::unique_ptr<FileLock>> Lock();

  FileSystem& fs_;
  const Clock& clock_;
  Logger& logger_;
  const std::string path_;
  const std::string lock_path_;
  const StateFile file_;
  std::mutex mutex_;  // Held with the lock: the file's is for processes.
};

}  // namespace godwit
