// TransferScheduler: which downloads may transfer now, and which wait: for a condition, for the
// end of a pause, for the day's data, or for a slot that others hold.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "device/conditions.h"
#include "device/data_budget.h"
#include "device/download_control.h"
#include "platform/platform.h"

namespace godwit {

// Thread-safe.
class TransferScheduler {
 public:
  // All borrowed, and used by Begin, Enter and Refresh alone: the rest works when they are gone.
  TransferScheduler(Platform& platform, Clock& clock, const DataBudget& budget, int slots)
      : platform_(platform), clock_(clock), budget_(budget), slots_(slots) {}

  // Around a download's whole life.
  void Begin(DownloadControl& control);
  void End(DownloadControl& control);

  // Takes a slot if one can be had at once, and says whether; if not, Enter must follow.
  bool TryEnter(DownloadControl& control, const DownloadConditions& conditions);

  // Blocks until the download holds a slot: true. False when is_needless() became true before,
  // which is asked at each change and from time to time. kConditionsUnmet when a condition
  // cannot be decided, or did not hold for conditions.wait_ms; kCancelled. REQUIRES: the caller
  // holds no lock of the store, for this may take days.
  Result<bool> Enter(DownloadControl& control, const DownloadConditions& conditions,
                     const std::function<bool()>& is_needless);

  // Gives the slot back; Ok without one.
  void Leave(DownloadControl& control);

  void Cancel(DownloadControl& control);
  void SetPaused(DownloadControl& control, bool paused);
  // The highest goes first, and takes a slot from a lower one.
  void SetPriority(DownloadControl& control, int priority);

  // What the app says of the device goes before what the platform says.
  void Tell(const DeviceState& told);
  // Asks the platform again; those who wait look again, too.
  void Refresh();

  // All who wait ask is_needless() again.
  void LookAgain();

  // Blocks until each download has ended, or waits for a condition or the end of a pause.
  void WaitUntilIdle();

 private:
  using Place = DownloadControl::Place;

  // REQUIRES for all: mutex_ is held.
  Verdict Judge(const DownloadConditions& conditions) const;
  bool MayRun(const DownloadControl& control) const;
  void Arrange();  // After a change; all who wait look again.
  void Grant();
  void SetBlocked(DownloadControl& control, RequestState state, std::string reason);
  Status WaitForSlot(DownloadControl& control, std::unique_lock<std::mutex>& lock, uint64_t seen,
                     int64_t* give_up_at_ms);

  Platform& platform_;
  Clock& clock_;
  const DataBudget& budget_;
  const size_t slots_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t changes_ = 0;                  // Guarded by mutex_, as is all that follows.
  std::vector<DownloadControl*> living_;  // In the order of their arrival.
  uint64_t arrivals_ = 0;
  DeviceState found_;
  DeviceState told_;
};

}  // namespace godwit
