// Conditions: what an app demands of the device before it downloads a model's file.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "platform/platform.h"

namespace godwit {

constexpr int64_t kWaitForever = -1;

// A value type.
struct DownloadConditions {
  bool wifi_required = false;
  bool unmetered_required = false;
  bool charging_required = false;
  bool idle_required = false;
  int64_t wait_ms = kWaitForever;  // At most, in one go, for what is known not to hold.

  bool any_required() const {
    return wifi_required || unmetered_required || charging_required || idle_required;
  }
};

struct Verdict {
  Answer met = Answer::kYes;
  std::string waiting_for;  // "Wi-Fi and a charger"; when met is kNo.
  Status unmet;             // kConditionsUnmet naming each that does not hold; unless met is kYes.
};

// kUnknown when any condition cannot be decided, for then waiting may never end.
Verdict JudgeConditions(const DownloadConditions& conditions, const DeviceState& state);

// Each answer of `told` that is one, else that of `found`.
DeviceState Override(const DeviceState& found, const DeviceState& told);

}  // namespace godwit
