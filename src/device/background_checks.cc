#include "device/background_checks.h"

#include <algorithm>
#include <string>

#include "device/state_file.h"
#include "device/store_layout.h"
#include "digest/digest.h"

namespace godwit {
namespace {

constexpr std::string_view kMagic = "GWCK";
// Looks up this often, because a wall clock may jump and a device may sleep.
constexpr int64_t kLookMs = 600'000;
constexpr int64_t kJitterPart = 10;

// Evenly spread over [0, limit) for different texts.
int64_t Scatter(const std::string& text, int64_t limit) {
  const Digest digest = DigestOf(text);
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest.bytes[i];
  return static_cast<int64_t>(number % static_cast<uint64_t>(std::max<int64_t>(limit, 1)));
}

}  // namespace

int64_t NextCheckMs(std::string_view installation_id, int64_t interval_ms, int64_t after_ms) {
  const std::string id(installation_id);
  const int64_t phase_ms = Scatter(id, interval_ms);
  for (int64_t period = (after_ms - phase_ms) / interval_ms - 1;; ++period) {
    const int64_t check_ms = phase_ms + period * interval_ms +
                             Scatter(id + ' ' + std::to_string(period), interval_ms / kJitterPart);
    if (check_ms > after_ms) return check_ms;
  }
}

BackgroundChecks::~BackgroundChecks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<size_t> BackgroundChecks::FinishUpdates() {
  GODWIT_ASSIGN_OR_RETURN(const auto updates, seams_.pending.List());
  for (const PendingUpdate& update : updates) {
    seams_.downloads.StartInBackground(update.address, update.conditions);
  }
  return updates.size();
}

void BackgroundChecks::Start(int64_t interval_ms) {
  thread_ = std::thread([this, interval_ms] { Run(interval_ms); });
}

void BackgroundChecks::Run(int64_t interval_ms) {
  if (const auto finishing = FinishUpdates(); !finishing.ok()) {
    seams_.logger.Warning("pending updates could not be read",
                          {{"cause", finishing.status().message()}});
  }
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto next_ms = CheckIfDue(interval_ms);
    if (!next_ms.ok()) {
      seams_.logger.Warning("the models could not be checked in the background",
                            {{"cause", next_ms.status().message()}});
    }
    lock.lock();
    const int64_t left_ms =
        next_ms.ok() ? std::clamp<int64_t>(*next_ms - seams_.clock.NowMs(), 1, kLookMs) : kLookMs;
    const int64_t until_ms = seams_.clock.MonotonicMs() + left_ms;
    while (!stopping_ && seams_.clock.MonotonicMs() < until_ms) {
      seams_.clock.WaitUntil(changed_, lock, until_ms);
    }
  }
}

// Checks all models if it is time, and returns when it will be again. The file says when it was
// done last, for all processes; the first one ever only notes the time, for what a new store
// holds is new.
Result<int64_t> BackgroundChecks::CheckIfDue(int64_t interval_ms) {
  GODWIT_ASSIGN_OR_RETURN(const std::string id, seams_.installation.Id(nullptr));
  const std::string& folder = seams_.store.directory();
  const StateFile file(seams_.file_system, seams_.logger, kMagic, JoinPath(folder, kChecksFile));
  GODWIT_ASSIGN_OR_RETURN(
      const auto lock, seams_.file_system.Lock(JoinPath(JoinPath(folder, kLockFolder), kChecksFile),
                                               LockMode::kExclusive));
  GODWIT_ASSIGN_OR_RETURN(const Json read, file.Read());
  const int64_t now_ms = seams_.clock.NowMs();
  const int64_t last_ms = read["checked_at_ms"].AsInt(-1);
  const bool usable = last_ms >= 0 && last_ms <= now_ms;  // Else the clock was set back.
  const int64_t due_ms = NextCheckMs(id, interval_ms, usable ? last_ms : now_ms);
  if (usable && now_ms < due_ms) return due_ms;
  GODWIT_RETURN_IF_ERROR(file.Write(Json::Object({{"checked_at_ms", now_ms}})));
  if (usable) GODWIT_RETURN_IF_ERROR(CheckAll());
  return NextCheckMs(id, interval_ms, now_ms);
}

Status BackgroundChecks::CheckAll() {
  GODWIT_ASSIGN_OR_RETURN(const auto models, seams_.store.List());
  for (const LocalModel& model : models) {
    const auto address = ModelAddress::Parse(model.name);
    // An exact version never changes.
    if (address.ok() && address->version == 0) {
      seams_.downloads.StartInBackground(*address, conditions_);
    }
  }
  return Status::Ok();
}

}  // namespace godwit
