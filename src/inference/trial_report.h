// What the child that tries a model tells its parent: one line of two numbers, then the message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inference/model_trial.h"

namespace godwit {

constexpr size_t kTrialReportMaxBytes = 4096;

// At most kTrialReportMaxBytes.
std::string EncodeTrialReport(const TrialVerdict& verdict);

// nullopt when the text is no whole report. The child ran what a stranger sent, so nothing of it
// is believed but numbers of the lists, and the message has no control characters.
std::optional<TrialVerdict> ParseTrialReport(std::string_view text);

}  // namespace godwit
