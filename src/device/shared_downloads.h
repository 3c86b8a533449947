// SharedDownloads: one thread for each download, shared by all who wait for the same thing.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "device/downloader.h"
#include "device/transfer_scheduler.h"

namespace godwit {

// One download and those who wait for it. Thread-safe.
class SharedDownload {
 public:
  using WaiterId = uint64_t;

  explicit SharedDownload(std::shared_ptr<TransferScheduler> scheduler)
      : scheduler_(std::move(scheduler)) {}

  // One more who waits; nullopt when the download was cancelled and cannot be joined.
  std::optional<WaiterId> Join();

  // One less; the last one's leaving cancels the download. Does not block.
  void Leave(WaiterId waiter);

  // The download is paused while all who wait paused, and has the highest of their priorities.
  // An unknown waiter changes nothing.
  void SetPaused(WaiterId waiter, bool paused);
  void SetPriority(WaiterId waiter, int priority);

  // Blocks until the result is there, `left` is true, or timeout_ms are over (none if
  // negative); nullopt in the last two cases. Wake() makes it look at `left`.
  std::optional<Result<LocalModel>> Wait(int64_t timeout_ms, const std::atomic<bool>& left) const;
  void Wake() const { changed_.notify_all(); }

  bool finished() const;
  const DownloadControl& control() const { return control_; }

 private:
  friend class SharedDownloads;
  struct Waiter {
    bool paused = false;
    int priority = 0;
  };

  void TellScheduler();  // REQUIRES: mutex_ is held.

  const std::shared_ptr<TransferScheduler> scheduler_;  // A request may outlive its client.
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  DownloadControl control_;
  WaiterId waiters_ever_ = 0;  // Guarded by mutex_, as are the next two.
  std::map<WaiterId, Waiter> waiters_;
  std::optional<Result<LocalModel>> result_;  // Set once.
  std::thread thread_;                        // Guarded by SharedDownloads::mutex_.
};

// A place in the queue of those who wait.
struct JoinedDownload {
  std::shared_ptr<SharedDownload> download;
  SharedDownload::WaiterId waiter = 0;
};

// Thread-safe. The destructor cancels every download and waits for its thread.
class SharedDownloads {
 public:
  // The downloader and the logger are borrowed.
  SharedDownloads(Downloader& downloader, std::shared_ptr<TransferScheduler> scheduler,
                  Logger& logger)
      : downloader_(downloader), scheduler_(std::move(scheduler)), logger_(logger) {}
  ~SharedDownloads();

  // Joins the download of the same address under the same conditions, or starts it. The caller
  // counts as one who waits, and calls Leave unless it saw the result.
  JoinedDownload Start(const ModelAddress& address, const DownloadConditions& conditions);

  // The same for an update that nobody waits for or leaves: it runs to its end, in a later
  // process if not in this one.
  void StartInBackground(const ModelAddress& address, const DownloadConditions& conditions);

 private:
  JoinedDownload JoinOrStart(const ModelAddress& address, const DownloadConditions& conditions,
                             bool in_background);
  void Run(const std::string& key, const ModelAddress& address,
           const DownloadConditions& conditions, const std::shared_ptr<SharedDownload>& download);
  void JoinEndedThreads();
  void Scrub();

  Downloader& downloader_;
  const std::shared_ptr<TransferScheduler> scheduler_;
  Logger& logger_;
  std::atomic<bool> closing_ = false;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::map<std::string, std::shared_ptr<SharedDownload>> running_;  // Guarded by mutex_.
  uint64_t started_ever_ = 0;                                       // Guarded by mutex_.
  int thread_count_ = 0;            // Guarded by mutex_: downloads whose thread has not ended.
  std::vector<std::thread> ended_;  // Guarded by mutex_: to be joined, which takes no time.
};

}  // namespace godwit
