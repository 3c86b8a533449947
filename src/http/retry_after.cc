#include "http/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

namespace godwit {
namespace {

constexpr size_t kDateLength = 29;
constexpr size_t kDigitsMax = 18;  // What a 64-bit number surely holds.

// All of the text must be digits.
std::optional<int64_t> ParseDigits(std::string_view text) {
  int64_t number = 0;
  if (text.empty() || text.size() > kDigitsMax || text.front() == '-') return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

// "Fri, 02 Jan 2026 03:04:05 GMT" as milliseconds since 1970 UTC. The day of the week says
// nothing new and is not looked at.
std::optional<int64_t> ParseHttpDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != kDateLength || text.substr(3, 2) != ", " || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
      text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const auto day = ParseDigits(text.substr(5, 2));
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto year = ParseDigits(text.substr(12, 4));
  const auto hour = ParseDigits(text.substr(17, 2));
  const auto minute = ParseDigits(text.substr(20, 2));
  const auto second = ParseDigits(text.substr(23, 2));
  if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + *hour) * 60 + *minute) * 60 + *second) * 1000;
}

}  // namespace

int64_t ParseRetryAfterMs(std::string_view text, int64_t now_ms) {
  constexpr int64_t kSecondsMax = kRetryAfterMaxMs / 1000;
  if (const auto seconds = ParseDigits(text)) return std::min(*seconds, kSecondsMax) * 1000;
  const auto date_ms = ParseHttpDate(text);
  return date_ms ? std::clamp<int64_t>(*date_ms - now_ms, 0, kRetryAfterMaxMs) : 0;
}

}  // namespace godwit
