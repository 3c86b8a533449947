// SharedDownloads: one thread for each download, shared by all who wait for the same thing.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "device/downloader.h"

namespace godwit {

// One download and those who wait for it. Thread-safe.
class SharedDownload {
 public:
  // Counts one more who waits; false when the download was cancelled and cannot be joined.
  bool Join();

  // Counts one less; the last one's leaving cancels the download. Does not block.
  void Leave();

  // Blocks until the result is there, `left` is true, or timeout_ms are over (none if
  // negative); nullopt in the last two cases. Wake() makes it look at `left`.
  std::optional<Result<LocalModel>> Wait(int64_t timeout_ms, const std::atomic<bool>& left) const;
  void Wake() const { changed_.notify_all(); }

  bool finished() const;
  const DownloadControl& control() const { return control_; }

 private:
  friend class SharedDownloads;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  DownloadControl control_;
  int waiting_ = 0;                           // Guarded by mutex_, as is the result.
  std::optional<Result<LocalModel>> result_;  // Set once.
  std::thread thread_;                        // Guarded by SharedDownloads::mutex_.
};

// Thread-safe. The destructor cancels every download and waits for its thread.
class SharedDownloads {
 public:
  // Borrowed.
  SharedDownloads(Downloader& downloader, Logger& logger)
      : downloader_(downloader), logger_(logger) {}
  ~SharedDownloads();

  // Joins the download of the same address under the same conditions, or starts it. The caller
  // counts as one who waits, and calls Leave unless it saw the result.
  std::shared_ptr<SharedDownload> Start(const ModelAddress& address,
                                        const DownloadConditions& conditions);

  // Blocks until no download runs.
  void WaitUntilIdle();

 private:
  void Run(const std::string& key, const ModelAddress& address,
           const DownloadConditions& conditions, const std::shared_ptr<SharedDownload>& download);
  void JoinEndedThreads();
  void Scrub();

  Downloader& downloader_;
  Logger& logger_;
  std::atomic<bool> closing_ = false;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::map<std::string, std::shared_ptr<SharedDownload>> running_;  // Guarded by mutex_.
  int thread_count_ = 0;            // Guarded by mutex_: downloads whose thread has not ended.
  std::vector<std::thread> ended_;  // Guarded by mutex_: to be joined, which takes no time.
};

}  // namespace godwit
