#include "device/shared_downloads.h"

#include <algorithm>
#include <chrono>

namespace godwit {

std::optional<SharedDownload::WaiterId> SharedDownload::Join() {
  const std::lock_guard lock(mutex_);
  if (control_.cancelled) return std::nullopt;
  waiters_[++waiters_ever_] = {};
  TellScheduler();
  return waiters_ever_;
}

void SharedDownload::Leave(WaiterId waiter) {
  const std::lock_guard lock(mutex_);
  if (waiters_.erase(waiter) == 0) return;
  if (waiters_.empty()) {
    scheduler_->Cancel(control_);
  } else {
    TellScheduler();
  }
}

void SharedDownload::SetPaused(WaiterId waiter, bool paused) {
  const std::lock_guard lock(mutex_);
  const auto found = waiters_.find(waiter);
  if (found == waiters_.end()) return;
  found->second.paused = paused;
  TellScheduler();
}

void SharedDownload::SetPriority(WaiterId waiter, int priority) {
  const std::lock_guard lock(mutex_);
  const auto found = waiters_.find(waiter);
  if (found == waiters_.end()) return;
  found->second.priority = priority;
  TellScheduler();
}

void SharedDownload::TellScheduler() {
  bool paused = true;
  int priority = waiters_.begin()->second.priority;
  for (const auto& [id, waiter] : waiters_) {
    paused = paused && waiter.paused;
    priority = std::max(priority, waiter.priority);
  }
  scheduler_->SetPaused(control_, paused);
  scheduler_->SetPriority(control_, priority);
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
    for (const auto& [key, download] : running_) scheduler_->Cancel(download->control_);
  }
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return thread_count_ == 0; });
  }
  JoinEndedThreads();
}

JoinedDownload SharedDownloads::Start(const ModelAddress& address,
                                      const DownloadConditions& conditions) {
  return JoinOrStart(address, conditions, false);
}

void SharedDownloads::StartInBackground(const ModelAddress& address,
                                        const DownloadConditions& conditions) {
  JoinOrStart(address, conditions, true);
}

JoinedDownload SharedDownloads::JoinOrStart(const ModelAddress& address,
                                            const DownloadConditions& conditions,
                                            bool in_background) {
  std::string key = address.ToString() + (conditions.wifi_required ? " wifi" : "") +
                    (conditions.unmetered_required ? " unmetered" : "") +
                    (conditions.charging_required ? " charging" : "") +
                    (conditions.idle_required ? " idle" : "") +
                    (conditions.wait_ms == 0 ? " at once" : "");
  JoinEndedThreads();
  const std::lock_guard lock(mutex_);
  // Who waits for a time of their own must not fail when another one's time is over: such
  // downloads meet at the model's lock instead.
  if (conditions.wait_ms > 0) key += " for a time " + std::to_string(++started_ever_);
  const auto running = running_.find(key);
  if (running != running_.end()) {
    if (in_background) running->second->control_.in_background = true;
    if (const auto waiter = running->second->Join()) return {running->second, *waiter};
  }
  const auto download = std::make_shared<SharedDownload>(scheduler_);
  download->control_.in_background = in_background;
  const SharedDownload::WaiterId waiter = *download->Join();
  running_[key] = download;  // One that was cancelled just before ends beside it.
  ++thread_count_;
  scheduler_->Begin(download->control_);
  download->thread_ = std::thread(
      [this, key, address, conditions, download] { Run(key, address, conditions, download); });
  return {download, waiter};
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
  scheduler_->LookAgain();  // Others may wait for the same file.
  Scrub();                  // Nobody waits for this thread any more.
  scheduler_->End(download->control_);
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

}  // namespace godwit
