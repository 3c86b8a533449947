#include "device/transfer_scheduler.h"

#include <algorithm>
#include <utility>

namespace godwit {
namespace {

// Waiting looks up this often, because wall clocks jump and other processes bring models.
constexpr int64_t kLookMs = 60'000;
constexpr int64_t kNotYet = -1;

}  // namespace

void TransferScheduler::Begin(DownloadControl& control) {
  const std::lock_guard lock(mutex_);
  control.arrival_ = ++arrivals_;
  living_.push_back(&control);
}

void TransferScheduler::End(DownloadControl& control) {
  const std::lock_guard lock(mutex_);
  std::erase(living_, &control);
  control.place_ = Place::kOut;
  Arrange();
}

Verdict TransferScheduler::Judge(const DownloadConditions& conditions) const {
  Verdict verdict = JudgeConditions(conditions, Override(found_, told_));
  if (verdict.met == Answer::kYes && budget_.used_up()) {
    verdict = {Answer::kNo, "tomorrow, for today's data is used up", budget_.UsedUp()};
  }
  return verdict;
}

bool TransferScheduler::MayRun(const DownloadControl& control) const {
  return !control.cancelled && !control.paused_ && Judge(control.conditions_).met == Answer::kYes;
}

void TransferScheduler::Arrange() {
  Grant();
  ++changes_;
  changed_.notify_all();
}

// Gives the slots to those that come first, and stops those that run and should not.
void TransferScheduler::Grant() {
  std::vector<DownloadControl*> order;
  size_t free = slots_;
  for (DownloadControl* const control : living_) {
    if (control->place_ == Place::kOut) continue;
    if (control->place_ == Place::kRunning && free > 0) --free;
    if (MayRun(*control)) {
      order.push_back(control);
    } else if (control->place_ == Place::kRunning) {
      control->interrupted = true;
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    if (a->priority_ != b->priority_) return a->priority_ > b->priority_;
    return a->place_ == Place::kRunning && b->place_ != Place::kRunning;
  });
  for (size_t i = 0; i < order.size(); ++i) {
    DownloadControl& control = *order[i];
    if (control.place_ == Place::kRunning) {
      if (i >= slots_) control.interrupted = true;
    } else if (i < slots_ && free > 0) {
      --free;
      control.place_ = Place::kRunning;
      control.interrupted = false;
      changed_.notify_all();
    }
  }
}

bool TransferScheduler::TryEnter(DownloadControl& control, const DownloadConditions& conditions) {
  if (conditions.any_required()) Refresh();
  const std::lock_guard lock(mutex_);
  control.conditions_ = conditions;
  if (!MayRun(control)) return false;
  if (control.place_ == Place::kOut) control.place_ = Place::kReady;
  Grant();
  return control.place_ == Place::kRunning;
}

Result<bool> TransferScheduler::Enter(DownloadControl& control,
                                      const DownloadConditions& conditions,
                                      const std::function<bool()>& is_needless) {
  if (conditions.any_required()) Refresh();
  int64_t give_up_at_ms = kNotYet;
  std::unique_lock lock(mutex_);
  control.conditions_ = conditions;
  for (;;) {
    const uint64_t seen = changes_;
    lock.unlock();
    const bool needless = is_needless();
    lock.lock();
    Status status;
    if (!needless) status = WaitForSlot(control, lock, seen, &give_up_at_ms);
    control.blocked_ = false;
    if (control.place_ == Place::kRunning && !needless) return true;
    if (!needless && status.ok()) continue;
    control.place_ = Place::kOut;
    Arrange();
    if (needless) return false;
    return status;
  }
}

// One look at how things stand, and a wait for the next change after `seen`.
Status TransferScheduler::WaitForSlot(DownloadControl& control, std::unique_lock<std::mutex>& lock,
                                      uint64_t seen, int64_t* give_up_at_ms) {
  if (control.place_ == Place::kRunning) return Status::Ok();
  control.place_ = Place::kOut;  // Until this look says otherwise.
  if (control.cancelled) return DownloadCancelled();
  const int64_t now_ms = clock_.MonotonicMs();
  int64_t until_ms = now_ms + kLookMs;
  Verdict verdict = Judge(control.conditions_);
  if (control.paused_) {
    *give_up_at_ms = kNotYet;
    SetBlocked(control, RequestState::kPaused, "");
  } else if (verdict.met == Answer::kUnknown) {
    return std::move(verdict.unmet);
  } else if (verdict.met == Answer::kNo) {
    if (control.conditions_.wait_ms != kWaitForever) {
      if (*give_up_at_ms == kNotYet) *give_up_at_ms = now_ms + control.conditions_.wait_ms;
      if (now_ms >= *give_up_at_ms) return std::move(verdict.unmet);
      until_ms = std::min(until_ms, *give_up_at_ms);
    }
    SetBlocked(control, RequestState::kWaiting, "waiting for " + verdict.waiting_for);
  } else {
    *give_up_at_ms = kNotYet;
    control.place_ = Place::kReady;
    Grant();
    if (control.place_ == Place::kRunning) return Status::Ok();
    control.SetStatus(RequestState::kQueued, "waiting for other downloads");
  }
  while (changes_ == seen && control.place_ != Place::kRunning && clock_.MonotonicMs() < until_ms) {
    clock_.WaitUntil(changed_, lock, until_ms);
  }
  return Status::Ok();
}

void TransferScheduler::SetBlocked(DownloadControl& control, RequestState state,
                                   std::string reason) {
  control.SetStatus(state, std::move(reason));
  control.blocked_ = true;
  changed_.notify_all();  // For WaitUntilIdle alone, so it counts as no change.
}

void TransferScheduler::Leave(DownloadControl& control) {
  const std::lock_guard lock(mutex_);
  if (control.place_ == Place::kOut) return;
  control.place_ = Place::kOut;
  Arrange();
}

void TransferScheduler::Cancel(DownloadControl& control) {
  const std::lock_guard lock(mutex_);
  control.cancelled = true;
  control.interrupted = true;
  Arrange();
}

void TransferScheduler::SetPaused(DownloadControl& control, bool paused) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(control.paused_, paused) != paused) Arrange();
}

void TransferScheduler::SetPriority(DownloadControl& control, int priority) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(control.priority_, priority) != priority) Arrange();
}

void TransferScheduler::Tell(const DeviceState& told) {
  const std::lock_guard lock(mutex_);
  told_ = told;
  Arrange();
}

void TransferScheduler::Refresh() {
  const DeviceState found = platform_.State();
  const std::lock_guard lock(mutex_);
  if (found == found_) return;
  found_ = found;
  Arrange();
}

void TransferScheduler::LookAgain() {
  const std::lock_guard lock(mutex_);
  Arrange();
}

void TransferScheduler::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return std::all_of(living_.begin(), living_.end(),
                       [](const DownloadControl* control) { return control->blocked_; });
  });
}

}  // namespace godwit
