#include "http/range.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(DecideRange, FollowsTheRowsOfItsTable) {
  constexpr auto kWhole = RangeOutcome::kWhole;
  constexpr auto kPart = RangeOutcome::kPart;
  constexpr auto kNone = RangeOutcome::kUnsatisfiable;
  const struct {
    std::string_view header;
    uint64_t total_bytes;
    RangeOutcome outcome;
    uint64_t first = 0;
    uint64_t last = 0;
  } rows[] = {
      {"bytes=0-0", 10, kPart, 0, 0},
      {"bytes=0-9", 10, kPart, 0, 9},
      {"bytes=5-", 10, kPart, 5, 9},
      {"bytes=5-1000", 10, kPart, 5, 9},
      {"bytes=9-9", 10, kPart, 9, 9},
      {"bytes=-3", 10, kPart, 7, 9},
      {"bytes=-10", 10, kPart, 0, 9},
      {"bytes=-11", 10, kPart, 0, 9},
      {"Bytes=1-2", 10, kPart, 1, 2},
      {" bytes=1-2 ", 10, kPart, 1, 2},
      {"bytes= 1-2", 10, kPart, 1, 2},
      {"bytes=1-18446744073709551615", 10, kPart, 1, 9},
      {"bytes=10-", 10, kNone},
      {"bytes=10-20", 10, kNone},
      {"bytes=-0", 10, kNone},
      {"bytes=0-", 0, kNone},
      {"bytes=-5", 0, kNone},
      {"", 10, kWhole},
      {"bytes", 10, kWhole},
      {"bytes=", 10, kWhole},
      {"bytes=-", 10, kWhole},
      {"bytes=a-b", 10, kWhole},
      {"bytes=3-2", 10, kWhole},
      {"bytes=1-2x", 10, kWhole},
      {"bytes=1 -2", 10, kWhole},
      {"bytes=+1-2", 10, kWhole},
      {"bytes=--1", 10, kWhole},
      {"bytes=0-1,3-4", 10, kWhole},
      {"items=0-1", 10, kWhole},
      {"bytes 0-1", 10, kWhole},
      {"bytes=18446744073709551616-", 10, kWhole},
      {"bytes=0-18446744073709551616", 10, kWhole},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.header);
    const RangeDecision decision = DecideRange(row.header, row.total_bytes);
    EXPECT_EQ(decision.outcome, row.outcome);
    EXPECT_EQ(decision.range, (ByteRange{row.first, row.last}));
  }
}

TEST(ParseContentRange, AcceptsItsFiveFormsAndNothingElse) {
  constexpr auto kNo = std::nullopt;
  using Number = std::optional<uint64_t>;
  const struct {
    std::string_view text;
    bool accepted;
    Number first, last, total_bytes;
  } rows[] = {
      {"bytes 0-4/10", true, 0, 4, 10},
      {"bytes 5-9/10", true, 5, 9, 10},
      {"BYTES 0-0/1", true, 0, 0, 1},
      {"bytes 0-4/*", true, 0, 4, kNo},
      {"bytes */10", true, kNo, kNo, 10},
      {"bytes */0", true, kNo, kNo, 0},
      {"bytes */*", true, kNo, kNo, kNo},
      {"bytes 0-*/*", true, 0, kNo, kNo},
      {"bytes 7-*/9", true, 7, kNo, 9},
      {"bytes 7-*/6", false, kNo, kNo, kNo},
      {"bytes 4-3/10", false, kNo, kNo, kNo},
      {"bytes 0-10/10", false, kNo, kNo, kNo},
      {"bytes 0-4", false, kNo, kNo, kNo},
      {"bytes 0-4/", false, kNo, kNo, kNo},
      {"bytes 0-4/10 ", true, 0, 4, 10},
      {"bytes 0-4/10x", false, kNo, kNo, kNo},
      {"bytes=0-4/10", false, kNo, kNo, kNo},
      {"bytes -4/10", false, kNo, kNo, kNo},
      {"bytes 0-18446744073709551616/*", false, kNo, kNo, kNo},
      {"", false, kNo, kNo, kNo},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const std::optional<ContentRange> range = ParseContentRange(row.text);
    ASSERT_EQ(range.has_value(), row.accepted);
    if (!range) continue;
    EXPECT_EQ(range->first, row.first);
    EXPECT_EQ(range->last, row.last);
    EXPECT_EQ(range->total_bytes, row.total_bytes);
  }
}

TEST(FormatContentRange, IsReadBackByItsParser) {
  const std::string text = FormatContentRange({5, 9}, 10);
  EXPECT_EQ(text, "bytes 5-9/10");
  EXPECT_EQ(ParseContentRange(text)->last, 9u);
}

}  // namespace
}  // namespace godwit
