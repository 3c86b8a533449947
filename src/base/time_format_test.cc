#include "base/time_format.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

constexpr int64_t kInstantMs = 1767323045678;  // 2026-01-02T03:04:05.678Z, a Friday.

TEST(TimeFormat, WritesTheFormsThatClientsParse) {
  EXPECT_EQ(FormatTimeMicros(kInstantMs), "2026-01-02T03:04:05.678000Z");
  EXPECT_EQ(FormatTimeMillis(kInstantMs), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(FormatHttpDate(kInstantMs), "Fri, 02 Jan 2026 03:04:05 GMT");
}

TEST(TimeFormat, ReadsAnyNumberOfFractionalDigits) {
  struct Row {
    const char* text;
    int64_t want_ms;
  };
  const Row rows[] = {
      {"2026-01-02T03:04:05Z", 1767323045000},
      {"2026-01-02T03:04:05.678Z", kInstantMs},
      {"2026-01-02T03:04:05.678000Z", kInstantMs},
      {"2026-01-02T03:04:05.6Z", 1767323045600},
      {"2026-01-02T03:04:05.678901234Z", kInstantMs},
      {"1970-01-01T00:00:00.000Z", 0},
      {"2026-01-02T03:04:05+01:00", -1},
      {"2026-01-02", -1},
      {"", -1},
      {"2026-01-02T03:04:05.678Zx", -1},
  };
  for (const Row& row : rows) EXPECT_EQ(ParseTimeMs(row.text), row.want_ms) << row.text;
}

}  // namespace
}  // namespace godwit
