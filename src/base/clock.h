// Clock: the seam to time. Only mains and capi make the real one; tests use ManualClock.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace godwit {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time: milliseconds since 1970-01-01 UTC. May jump.
  virtual int64_t NowMs() const = 0;

  // Milliseconds since some fixed instant. Never goes back.
  virtual int64_t MonotonicMs() const = 0;

  // Blocks for that long. A manual clock moves itself forward and returns at once.
  virtual void SleepMs(int64_t duration_ms) = 0;

  // Blocks until `changed` is notified or MonotonicMs() is deadline_ms, and may return for no
  // reason before. Unlike SleepMs it moves no manual clock: the test does.
  virtual void WaitUntil(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                         int64_t deadline_ms) = 0;
};

std::unique_ptr<Clock> NewSystemClock();

}  // namespace godwit
