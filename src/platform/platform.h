// Platform: the seam to what the operating system knows of the device that we run on.
#pragma once

#include <functional>
#include <memory>

namespace godwit {

enum class Answer { kUnknown = 0, kNo = 1, kYes = 2 };

// A value type.
struct DeviceState {
  Answer on_wifi = Answer::kUnknown;   // The way to the internet is Wi-Fi.
  Answer metered = Answer::kUnknown;   // It costs by the byte, or has a cap.
  Answer charging = Answer::kUnknown;  // On external power, full or not.
  Answer idle = Answer::kUnknown;      // Nobody uses the device.
  friend bool operator==(const DeviceState&, const DeviceState&) = default;
};

// Thread-safe.
class Platform {
 public:
  virtual ~Platform() = default;

  // As of now. Cheap, but the first call may block for a moment.
  virtual DeviceState State() = 0;

  // Called on any thread when State() may answer otherwise than before. Replaces the listener
  // before it, which is not called any more once this returns; empty: none.
  virtual void OnChange(std::function<void()> listener) = 0;
};

// Knows nothing.
class UnknownPlatform final : public Platform {
 public:
  DeviceState State() override { return {}; }
  void OnChange(std::function<void()>) override {}
};

// Asks NetworkManager, UPower and logind over the system's D-Bus, from the first State() on.
// Where libsystemd, the bus or a service is missing, or the system is not Linux, the answer is
// "unknown".
std::unique_ptr<Platform> NewSystemPlatform();

}  // namespace godwit
