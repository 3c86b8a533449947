#include "device/conditions.h"

#include <string>

namespace godwit {

Status CheckConditions(const DownloadConditions& conditions, const DeviceState& state) {
  const struct {
    bool required;
    Answer answer;
    const char* no;
    const char* unknown;
  } kRows[] = {
      {conditions.wifi_required, state.on_wifi, "the device is not on Wi-Fi",
       "whether the device is on Wi-Fi is not known"},
      {conditions.charging_required, state.charging, "the device is not charging",
       "whether the device is charging is not known"},
      {conditions.idle_required, state.idle, "the device is not idle",
       "whether the device is idle is not known"},
  };
  std::string unmet;
  bool unknown = false;
  for (const auto& row : kRows) {
    if (!row.required || row.answer == Answer::kYes) continue;
    if (!unmet.empty()) unmet += " and ";
    unmet += row.answer == Answer::kNo ? row.no : row.unknown;
    unknown = unknown || row.answer == Answer::kUnknown;
  }
  if (unmet.empty()) return Status::Ok();
  return Status(StatusCode::kConditionsUnmet,
                unmet + ", so the new model was not downloaded; " +
                    (unknown ? "tell the client the device's state, or drop the condition"
                             : "ask again when that has changed"));
}

}  // namespace godwit
