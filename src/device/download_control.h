// DownloadControl: what those who wait for a download and the thread that runs it tell each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "device/conditions.h"

namespace godwit {

// The numbers are those of godwit_download_state.
enum class RequestState {
  kQueued = 0,       // Other downloads go first.
  kChecking = 1,     // The server is asked.
  kWaiting = 2,      // For a condition, or to try again.
  kPaused = 3,       // By all who wait.
  kDownloading = 4,  // Bytes come, in this process or in another.
  kActivating = 5,   // The file is verified and becomes the model.
  kFinished = 6,
};

struct RequestStatus {
  RequestState state = RequestState::kQueued;
  std::string reason;  // "waiting for Wi-Fi"; empty when the state says all.
};

inline Status DownloadCancelled() {
  return Status(StatusCode::kCancelled,
                "cancelled; what has arrived is kept, and the next call goes on from there");
}

// Thread-safe.
class DownloadControl {
 public:
  // Nobody waits any more. Set by TransferScheduler::Cancel alone.
  std::atomic<bool> cancelled = false;
  // The transfer shall stop for now; the scheduler knows why.
  std::atomic<bool> interrupted = false;
  // An update that a later process shall finish if this one does not.
  std::atomic<bool> in_background = false;
  std::atomic<uint64_t> bytes_done = 0;
  std::atomic<uint64_t> bytes_total = 0;

  void SetStatus(RequestState state, std::string reason = "") {
    const std::lock_guard lock(mutex_);
    status_ = {state, std::move(reason)};
  }
  RequestStatus status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  friend class TransferScheduler;
  enum class Place { kOut, kReady, kRunning };

  mutable std::mutex mutex_;
  RequestStatus status_;  // Guarded by mutex_.

  // Guarded by the scheduler's mutex.
  Place place_ = Place::kOut;
  DownloadConditions conditions_;  // Of a place that is not kOut.
  bool paused_ = false;
  int priority_ = 0;
  uint64_t arrival_ = 0;  // Earlier ones go first among equals.
  bool blocked_ = false;  // Only somebody else can make it go on.
};

}  // namespace godwit
