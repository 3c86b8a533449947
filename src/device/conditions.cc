#include "device/conditions.h"

namespace godwit {
namespace {

Answer Not(Answer answer) {
  if (answer == Answer::kUnknown) return answer;
  return answer == Answer::kYes ? Answer::kNo : Answer::kYes;
}

void Join(std::string_view word, std::string& list) {
  if (!list.empty()) list += " and ";
  list += word;
}

}  // namespace

Verdict JudgeConditions(const DownloadConditions& conditions, const DeviceState& state) {
  const struct {
    bool required;
    Answer answer;
    const char* no;
    const char* unknown;
    const char* waiting_for;
  } kRows[] = {
      {conditions.wifi_required, state.on_wifi, "the device is not on Wi-Fi",
       "whether the device is on Wi-Fi is not known", "Wi-Fi"},
      {conditions.unmetered_required, Not(state.metered), "the network is metered",
       "whether the network is metered is not known", "an unmetered network"},
      {conditions.charging_required, state.charging, "the device is not charging",
       "whether the device is charging is not known", "a charger"},
      {conditions.idle_required, state.idle, "the device is not idle",
       "whether the device is idle is not known", "the device to be idle"},
  };
  Verdict verdict;
  std::string unmet;
  for (const auto& row : kRows) {
    if (!row.required || row.answer == Answer::kYes) continue;
    Join(row.answer == Answer::kNo ? row.no : row.unknown, unmet);
    if (row.answer == Answer::kNo) Join(row.waiting_for, verdict.waiting_for);
    if (verdict.met != Answer::kUnknown) verdict.met = row.answer;
  }
  if (verdict.met == Answer::kYes) return verdict;
  const bool unknown = verdict.met == Answer::kUnknown;
  verdict.unmet = Status(StatusCode::kConditionsUnmet,
                         unmet + ", so the new model was not downloaded; " +
                             (unknown ? "tell the client the device's state, or drop the condition"
                                      : "ask again when that has changed"));
  return verdict;
}

DeviceState Override(const DeviceState& found, const DeviceState& told) {
  const auto pick = [](Answer a, Answer b) { return b == Answer::kUnknown ? a : b; };
  return {.on_wifi = pick(found.on_wifi, told.on_wifi),
          .metered = pick(found.metered, told.metered),
          .charging = pick(found.charging, told.charging),
          .idle = pick(found.idle, told.idle)};
}

}  // namespace godwit
