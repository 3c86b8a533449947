// The platform that an app's plug-in fills.
#pragma once

#include "godwit/platform.h"
#include "platform/platform.h"

namespace godwit::capi {

DeviceState ReadDeviceState(const godwit_device_state& state);

// Thread-safe if the callback is.
class CallbackPlatform final : public Platform {
 public:
  // REQUIRES: platform.state is not NULL.
  explicit CallbackPlatform(const godwit_platform& platform) : platform_(platform) {}

  DeviceState State() override;
  // Never calls it: godwit_client_platform_changed() reaches the client by itself.
  void OnChange(std::function<void()>) override {}

 private:
  const godwit_platform platform_;
};

}  // namespace godwit::capi
