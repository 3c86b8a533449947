// ManualClock: time that a test moves.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace godwit::testing {

// Thread-safe. Starts at the given wall time (2026-01-02T03:04:05.678Z by default).
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1767323045678) : now_ms_(now_ms) {}

  int64_t NowMs() const override { return now_ms_; }
  int64_t MonotonicMs() const override { return now_ms_; }
  void SleepMs(int64_t duration_ms) override { Advance(duration_ms); }
  // Looks at the clock every millisecond, so that no test's Advance goes unseen.
  void WaitUntil(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                 int64_t deadline_ms) override {
    if (now_ms_ < deadline_ms) changed.wait_for(lock, std::chrono::milliseconds(1));
  }
  void Advance(int64_t duration_ms) { now_ms_ += duration_ms; }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace godwit::testing
