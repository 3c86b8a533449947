#include "inference/trial_report.h"

#include <charconv>

namespace godwit {
namespace {

constexpr size_t kMessageMax = 1000;
constexpr std::string_view kEnd = "\nend\n";

// Takes a number and the byte after it off the front.
std::optional<int> TakeNumber(std::string_view& text, char after) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != after) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string EncodeTrialReport(const TrialVerdict& verdict) {
  std::string message = verdict.status.message().substr(0, kMessageMax);
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return std::to_string(static_cast<int>(verdict.status.code())) + " " +
         std::to_string(static_cast<int>(verdict.reason)) + "\n" + message + std::string(kEnd);
}

std::optional<TrialVerdict> ParseTrialReport(std::string_view text) {
  if (text.size() > kTrialReportMaxBytes || !text.ends_with(kEnd)) return std::nullopt;
  const auto code = TakeNumber(text, ' ');
  const auto reason = code ? TakeNumber(text, '\n') : std::nullopt;
  if (!reason || text.size() < kEnd.size()) return std::nullopt;
  if (*reason < GODWIT_GATE_UNSAFE_OPERATOR || *reason > GODWIT_GATE_APP) return std::nullopt;
  if (*code == 0) return TrialVerdict();
  const auto status_code = static_cast<StatusCode>(*code);
  if (*code != 2 && StatusCodeName(status_code) == StatusCodeName(StatusCode::kUnknown)) {
    return std::nullopt;
  }
  std::string message(text.substr(0, text.size() - kEnd.size()));
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return TrialVerdict{Status(status_code, std::move(message)),
                      static_cast<godwit_gate_reason>(*reason)};
}

}  // namespace godwit
