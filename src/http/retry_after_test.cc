#include "http/retry_after.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

constexpr int64_t kNowMs = 1767323045000;  // Fri, 02 Jan 2026 03:04:05 GMT

TEST(RetryAfter, IsSecondsOrADateAndNeverMoreThanADay) {
  const struct {
    const char* text;
    int64_t wait_ms;
  } kRows[] = {
      {"", 0},
      {"0", 0},
      {"7", 7000},
      {"007", 7000},
      {"86400", kRetryAfterMaxMs},
      {"86401", kRetryAfterMaxMs},
      {"999999999999999999", kRetryAfterMaxMs},
      {"9999999999999999999999", 0},
      {"-7", 0},
      {"+7", 0},
      {"7 ", 0},
      {"7.5", 0},
      {"soon", 0},
      {"Fri, 02 Jan 2026 03:04:05 GMT", 0},
      {"Fri, 02 Jan 2026 03:04:35 GMT", 30'000},
      {"Mon, 02 Jan 2026 03:05:05 GMT", 60'000},  // The day of the week is not looked at.
      {"Fri, 02 Jan 2026 03:04:04 GMT", 0},
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Sat, 03 Jan 2026 03:04:05 GMT", kRetryAfterMaxMs},
      {"Fri, 31 Dec 9999 23:59:59 GMT", kRetryAfterMaxMs},
      {"Fri, 30 Feb 2026 03:04:05 GMT", 0},
      {"Fri, 03 jan 2026 03:04:05 GMT", 0},
      {"Fri, 02 Jan 2026 24:00:00 GMT", 0},
      {"Fri, 02 Jan 2026 03:04:35 CET", 0},
      {"Fri, 02 Jan 2026 03:04:-5 GMT", 0},
      {"Friday, 02-Jan-26 03:04:35 GMT", 0},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ParseRetryAfterMs(row.text, kNowMs), row.wait_ms) << row.text;
  }
}

}  // namespace
}  // namespace godwit
