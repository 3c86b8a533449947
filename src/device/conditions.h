// Conditions: what an app demands of the device before it downloads a model's file.
#pragma once

#include "base/status.h"

namespace godwit {

enum class Answer { kUnknown = 0, kNo = 1, kYes = 2 };

// What the app knows of the device. A value type.
struct DeviceState {
  Answer on_wifi = Answer::kUnknown;
  Answer charging = Answer::kUnknown;
  Answer idle = Answer::kUnknown;
};

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
