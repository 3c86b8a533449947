// BackgroundChecks: asks for newer versions of the store's models by itself, and finishes updates
// that an earlier process began.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/conditions.h"
#include "device/installation.h"
#include "device/model_store.h"
#include "device/pending_updates.h"
#include "device/shared_downloads.h"
#include "fs/file_system.h"

namespace godwit {

// The first check of this installation after after_ms, in wall time. Each interval has one, at a
// phase and with a jitter of up to a tenth that follow from the id, so that many devices spread
// evenly and each is steady. REQUIRES: interval_ms > 0.
int64_t NextCheckMs(std::string_view installation_id, int64_t interval_ms, int64_t after_ms);

// Borrowed.
struct BackgroundSeams {
  FileSystem& file_system;
  Clock& clock;
  Logger& logger;
  ModelStore& store;
  Installation& installation;
  PendingUpdates& pending;
  SharedDownloads& downloads;
};

// Thread-safe.
class BackgroundChecks {
 public:
  BackgroundChecks(const BackgroundSeams& seams, const DownloadConditions& conditions)
      : seams_(seams), conditions_(conditions) {}
  ~BackgroundChecks();

  // Starts each pending update, under its own conditions; returns how many. The disk only.
  Result<size_t> FinishUpdates();

  // From now on, on a thread of its own: the pending updates at once, then all models once per
  // interval. A check that fell into a time when no process ran is made at once; of several
  // processes one makes it. REQUIRES: interval_ms > 0; called once at most.
  void Start(int64_t interval_ms);

 private:
  void Run(int64_t interval_ms);
  Result<int64_t> CheckIfDue(int64_t interval_ms);
  Status CheckAll();

  const BackgroundSeams seams_;
  const DownloadConditions conditions_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace godwit
