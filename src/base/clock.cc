#include "base/clock.h"

#include <chrono>
#include <thread>

namespace godwit {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t NowMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  int64_t MonotonicMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void SleepMs(int64_t duration_ms) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(duration_ms));
  }
  void WaitUntil(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                 int64_t deadline_ms) override {
    const auto deadline = std::chrono::milliseconds(deadline_ms);
    changed.wait_until(lock, std::chrono::steady_clock::time_point(deadline));
  }
};

}  // namespace

std::unique_ptr<Clock> NewSystemClock() { return std::make_unique<SystemClock>(); }

}  // namespace godwit
