// Clock: the seam to time. Only mains and capi make the real one; tests use ManualClock.
#pragma once

#include <cstdint>
#include <memory>

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
};

std::unique_ptr<Clock> NewSystemClock();

}  // namespace godwit
