#include "cli/text_format.h"

#include <gtest/gtest.h>

#include "cli/progress.h"

namespace godwit::cli {
namespace {

TEST(TextFormat, WritesBytesInPowersOfAThousand) {
  const struct {
    uint64_t bytes;
    const char* text;
  } rows[] = {{0, "0 B"},
              {999, "999 B"},
              {1000, "1.0 kB"},
              {4'200'000, "4.2 MB"},
              {999'949, "999.9 kB"},
              {999'951, "1.0 MB"},
              {UINT64_MAX, "18.4 EB"}};
  for (const auto& row : rows) EXPECT_EQ(FormatBytes(row.bytes), row.text);
}

TEST(TextFormat, WritesDurationsAsPeopleSayThem) {
  const struct {
    double seconds;
    const char* text;
  } rows[] = {{0, "0.0 s"},       {9.94, "9.9 s"},        {9.96, "10 s"},       {59.4, "59 s"},
              {65, "1 min 05 s"}, {3599.6, "1 h 00 min"}, {7800, "2 h 10 min"}, {-1, "?"}};
  for (const auto& row : rows) EXPECT_EQ(FormatDuration(row.seconds), row.text);
}

TEST(TextFormat, WritesNanosecondsInTheUnitThatFits) {
  const struct {
    double nanoseconds;
    const char* text;
  } rows[] = {{850, "850 ns"}, {12'340, "12.3 µs"}, {4'560'000, "4.56 ms"}, {1.2e9, "1.20 s"}};
  for (const auto& row : rows) EXPECT_EQ(FormatNanoseconds(row.nanoseconds), row.text);
}

TEST(TextFormat, SeparatesThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
}

TEST(TextFormat, DrawsBarsOfExactlyTheWidthAsked) {
  EXPECT_EQ(Bar(0, 4), "    ");
  EXPECT_EQ(Bar(0.5, 4), "██  ");
  EXPECT_EQ(Bar(1, 4), "████");
  EXPECT_EQ(Bar(0.28125, 4), "█▏  ");
  EXPECT_EQ(Bar(0.0001, 4), "▏   ");
  EXPECT_EQ(Bar(7, 2), "██");
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(DisplayWidth(Bar(i / 100.0, 13)), 13U) << i;
}

TEST(TextFormat, LetsNoControlCharacterReachATerminal) {
  EXPECT_EQ(Printable("a\033[31mb\n\x7F"), "a?[31mb??");
  EXPECT_EQ(Printable("Größe µ"), "Größe µ");
}

TEST(TextFormat, AlignsATableByColumnsNotBytes) {
  Table table({{"NAME"}, {"SIZE", Align::kRight}, {"X"}});
  table.AddRow({"größe", "1 B", ""});
  table.AddRow({"b", "12 kB", "y"});
  EXPECT_EQ(table.Render(),
            "NAME    SIZE  X\n"
            "größe    1 B\n"
            "b      12 kB  y\n");
}

TEST(Progress, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress("get face", 2'500'000, 10'000'000, 2'500'000, 80),
            "get face  ████▊                 25.0 %  2.5 MB of 10.0 MB  2.5 MB/s  3.0 s left");
}

TEST(Progress, NeverWrapsANarrowTerminal) {
  for (size_t width = 60; width < 200; ++width) {
    EXPECT_LT(DisplayWidth(FormatProgress("get face", 1, 3'000'000, 100, width)), width) << width;
  }
}

TEST(Progress, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(FormatProgress("get face", 1500, 0, 0, 80), "get face  1.5 kB");
}

}  // namespace
}  // namespace godwit::cli
