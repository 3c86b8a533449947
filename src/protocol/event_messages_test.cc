#include "protocol/event_messages.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

constexpr int64_t kToday = 20'455;  // 2026-01-02.

TEST(EventMessages, ABatchComesBackAsItWasWritten) {
  EventBatch batch;
  batch.sequence = 1767323045678;
  batch.rows.push_back({{kToday, "face@stable", std::string(64, 'a'), EventKind::kFinished, {}},
                        {2, 10'000'000'000, 1500}});
  batch.rows.push_back({{kToday - 1, "face", "", EventKind::kFailed, EventReason::kNoSpace}, {1}});
  const auto parsed = ParseEventBatch(SerializeEventBatch(batch), kToday);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->sequence, batch.sequence);
  EXPECT_EQ(parsed->rows, batch.rows);
  EXPECT_EQ(ParseEventReply(SerializeEventReply({7}))->last_sequence, 7);
}

TEST(EventMessages, WhatIsOverALimitIsRefused) {
  struct Row {
    const char* what;
    std::string body;
    const char* message;
  };
  const auto with = [](const std::string& event) {
    return R"({"sequence":"1","events":[)" + event + "]}";
  };
  const std::string good = R"({"day":"2026-01-02","model":"face","kind":"STARTED","count":"1"})";
  ASSERT_TRUE(ParseEventBatch(with(good), kToday).ok());
  std::string many = good;
  for (size_t i = 0; i < kEventRowsMax; ++i) many += "," + good;
  const Row rows[] = {
      {"no sequence", R"({"events":[]})", "sequence"},
      {"no rows", R"({"sequence":1,"events":[]})", "at least 1"},
      {"too many rows", with(many), "at most 200"},
      {"too many bytes", with(good) + std::string(kEventBatchMaxBytes, ' '), "limit"},
      {"an unknown kind", with(R"({"day":"2026-01-02","model":"face","kind":"X","count":1})"),
       "kind"},
      {"an unknown reason",
       with(R"({"day":"2026-01-02","model":"face","kind":"FAILED","reason":"X","count":1})"),
       "reason"},
      {"31 days ago", with(R"({"day":"2025-12-02","model":"face","kind":"STARTED","count":1})"),
       "long ago"},
      {"in two days", with(R"({"day":"2026-01-04","model":"face","kind":"STARTED","count":1})"),
       "future"},
      {"no day", with(R"({"day":"yesterday!","model":"face","kind":"STARTED","count":1})"), "date"},
      {"no model", with(R"({"day":"2026-01-02","model":"a b","kind":"STARTED","count":1})"),
       "address"},
      {"no hash",
       with(R"({"day":"2026-01-02","model":"f","modelHash":"A","kind":"STARTED","count":1})"),
       "SHA-256"},
      {"a count of zero", with(R"({"day":"2026-01-02","model":"f","kind":"STARTED","count":0})"),
       "count"},
      {"negative bytes",
       with(R"({"day":"2026-01-02","model":"f","kind":"STARTED","count":1,"bytes":-1})"), "bytes"},
      {"a time beyond reason",
       with(R"({"day":"2026-01-02","model":"f","kind":"STARTED","count":1,)"
            R"("durationMs":"9000000000000000000"})"),
       "durationMs"},
  };
  for (const Row& row : rows) {
    const auto parsed = ParseEventBatch(row.body, kToday);
    ASSERT_FALSE(parsed.ok()) << row.what;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << row.what;
    EXPECT_NE(parsed.status().message().find(row.message), std::string::npos)
        << row.what << ": " << parsed.status().message();
  }
}

TEST(EventMessages, EveryKindAndReasonHasANameThatLeadsBack) {
  for (int i = 0; i < kEventKinds; ++i) {
    const auto kind = static_cast<EventKind>(i);
    EXPECT_EQ(ParseEventKind(EventKindName(kind)), kind);
  }
  for (int i = 0; i < kEventReasons; ++i) {
    const auto reason = static_cast<EventReason>(i);
    EXPECT_EQ(ParseEventReason(EventReasonName(reason)), reason);
  }
  EXPECT_EQ(ParseDay(FormatDay(kToday)), kToday);
  EXPECT_EQ(FormatDay(kToday), "2026-01-02");
  EXPECT_EQ(ParseDay("2026-13-01"), -1);
}

}  // namespace
}  // namespace godwit
