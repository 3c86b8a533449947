// Conditions: what an app demands of the device before it downloads a model's file.
#pragma once

#include "base/status.h"
#include "platform/platform.h"

namespace godwit {

// A value type.
struct DownloadConditions {
  bool wifi_required = false;
  bool charging_required = false;
  bool idle_required = false;
};

// Ok, or kConditionsUnmet naming each condition that does not hold. One that cannot be
// decided counts as unmet, and the message says so.
Status CheckConditions(const DownloadConditions& conditions, const DeviceState& state);

}  // namespace godwit
