#include "device/shared_downloads.h"

#include <chrono>

namespace godwit {

bool SharedDownload::Join() {
  const std::lock_guard lock(mutex_);
  if (control_.cancelled) return false;
  ++waiting_;
  return true;
}

void SharedDownload::Leave() {
  const std::lock_guard lock(mutex_);
  if (--waiting_ == 0) control_.cancelled = true;
}

std::optional<Result<LocalModel>> SharedDownload::Wait(int64_t timeout_ms,
                                                       const std::atomic<bool>& left) const {
  std::unique_lock lock(mutex_);
  const auto over = [&] { return result_.has_value() || left; };
  if (timeout_ms < 0) {
    changed_.wait(lock, over);
  } else {
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), over);
  }
  return left ? std::nullopt : result_;
}

bool SharedDownload::finished() const {
  const std::lock_guard lock(mutex_);
  return result_.has_value();
}

SharedDownloads::~SharedDownloads() {
  closing_ = true;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, download] : running_) download->control_.cancelled = true;
  }
  WaitUntilIdle();
}

std::shared_ptr<SharedDownload> SharedDownloads::Start(const ModelAddress& address,
                                                       const DownloadConditions& conditions) {
  const std::string key = address.ToString() + (conditions.wifi_required ? " wifi" : "") +
                          (conditions.charging_required ? " charging" : "") +
                          (conditions.idle_required ? " idle" : "");
  JoinEndedThreads();
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(key);
  if (running != running_.end() && running->second->Join()) return running->second;
  const auto download = std::make_shared<SharedDownload>();
  download->Join();
  running_[key] = download;  // One that was cancelled just before ends beside it.
  ++thread_count_;
  download->thread_ = std::thread(
      [this, key, address, conditions, download] { Run(key, address, conditions, download); });
  return download;
}

void SharedDownloads::Run(const std::string& key, const ModelAddress& address,
                          const DownloadConditions& conditions,
                          const std::shared_ptr<SharedDownload>& download) {
  Result<LocalModel> result = downloader_.Fetch(address, conditions, download->control_);
  if (!result.ok() && result.status().code() != StatusCode::kCancelled) {
    logger_.Warning("a model could not be got",
                    {{"model", address.ToString()}, {"cause", result.status().message()}});
  }
  {
    // From here on a new call asks the server anew.
    const std::lock_guard lock(mutex_);
    const auto running = running_.find(key);
    if (running != running_.end() && running->second == download) running_.erase(running);
  }
  {
    const std::lock_guard lock(download->mutex_);
    download->result_ = std::move(result);
  }
  download->Wake();
  Scrub();  // Nobody waits for this thread any more.
  const std::lock_guard lock(mutex_);
  ended_.push_back(std::move(download->thread_));
  --thread_count_;
  idle_.notify_all();
}

void SharedDownloads::Scrub() {
  const Status scrubbed = downloader_.Scrub(&closing_);
  if (scrubbed.ok() || scrubbed.code() == StatusCode::kCancelled) return;
  logger_.Info("the store's daily look for damaged files was put off",
               {{"cause", scrubbed.message()}});
}

void SharedDownloads::JoinEndedThreads() {
  std::vector<std::thread> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void SharedDownloads::WaitUntilIdle() {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return thread_count_ == 0; });
  }
  JoinEndedThreads();
}

}  // namespace godwit
