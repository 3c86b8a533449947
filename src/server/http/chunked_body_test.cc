#include "server/http/chunked_body.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

TEST(ChunkedBody, JudgesTheSameInOnePieceAndByteByByte) {
  constexpr auto kComplete = ParseOutcome::kComplete;
  constexpr auto kRefused = ParseOutcome::kRefused;
  const struct {
    std::string bytes;
    ParseOutcome outcome;
    std::string body = {};
    size_t left = 0;  // Not consumed.
  } rows[] = {
      {"0\r\n\r\n", kComplete, ""},
      {"000\r\n\r\nGET", kComplete, "", 3},
      {"3\r\nabc\r\n0\r\n\r\n", kComplete, "abc"},
      {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", kComplete, "01234567890123456789"},
      {"1;a=\"b c\"\r\nx\r\n0;d\r\n\r\n", kComplete, "x"},
      {"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", kComplete, "x"},
      {"2\r\n\r\n\r\n0\r\n\r\n", kComplete, "\r\n"},
      {"\r\n", kRefused},
      {";a\r\n", kRefused},
      {"x\r\n", kRefused},
      {"0x1\r\n", kRefused},
      {"-1\r\n", kRefused},
      {"1 \r\n", kRefused},
      {"1\n", kRefused},
      {"1\rx", kRefused},
      {"1;a\x01\r\n", kRefused},
      {"1\r\nab", kRefused, "a"},
      {"1\r\na\n", kRefused, "a"},
      {"1\r\na\rx", kRefused, "a"},
      {"0\r\nA: b\n", kRefused},
      {"0\r\nA: b\rc", kRefused},
      {"0\r\n\rx", kRefused},
      {"1000000000000000\r\n", kRefused},
      {"1;" + std::string(5000, 'a'), kRefused},
      {"0\r\n" + std::string(5000, 'a'), kRefused},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(::testing::PrintToString(row.bytes.substr(0, 60)));
    ChunkedBody whole;
    std::string body;
    size_t consumed = 0;
    EXPECT_EQ(whole.Decode(row.bytes, &consumed, &body), row.outcome);
    EXPECT_EQ(body, row.body);
    if (row.outcome == kComplete) {
      EXPECT_EQ(row.bytes.size() - consumed, row.left);
    }
    ChunkedBody bytewise;
    body.clear();
    ParseOutcome outcome = ParseOutcome::kNeedMore;
    for (size_t i = 0; i < row.bytes.size() && outcome == ParseOutcome::kNeedMore; ++i) {
      outcome = bytewise.Decode(row.bytes.substr(i, 1), &consumed, &body);
    }
    EXPECT_EQ(outcome, row.outcome);
    EXPECT_EQ(body, row.body);
  }
}

}  // namespace
}  // namespace godwit::server
