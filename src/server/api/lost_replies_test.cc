#include "server/api/lost_replies.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

Request Post(std::string_view target, std::string body) {
  Request request;
  request.head.method = Method::kPost;
  request.head.target = target;
  request.body = std::move(body);
  return request;
}

Response Answer(std::string body) { return {200, {}, std::move(body)}; }

std::string BodyOf(const std::optional<Response>& response) {
  return response ? std::get<std::string>(response->body) : "none";
}

TEST(LostReplies, GivesAnAnswerThatWasNotSentOnce) {
  testing::ManualClock clock;
  LostReplies lost(clock);
  const Response sent = lost.Watch("sent", Answer("sent"));
  const Response unsent = lost.Watch("unsent", Answer("unsent"));
  EXPECT_EQ(BodyOf(unsent), "unsent");
  EXPECT_EQ(BodyOf(lost.Take("unsent")), "none") << "nobody knows yet that it is lost";
  unsent.on_unsent();
  EXPECT_EQ(BodyOf(lost.Take("sent")), "none");
  const std::optional<Response> again = lost.Take("unsent");
  EXPECT_EQ(BodyOf(again), "unsent");
  EXPECT_EQ(BodyOf(lost.Take("unsent")), "none") << "a third request is no repetition";
  lost.Watch("unsent", *again).on_unsent();
  EXPECT_EQ(BodyOf(lost.Take("unsent")), "unsent") << "lost a second time";
}

TEST(LostReplies, ForgetsAfterTwoMinutesAndKeepsNotTooMany) {
  testing::ManualClock clock;
  LostReplies lost(clock);
  lost.Watch("old", Answer("old")).on_unsent();
  clock.Advance(LostReplies::kLifetimeMs);
  EXPECT_EQ(BodyOf(lost.Take("old")), "none");
  for (size_t i = 0; i <= LostReplies::kRepliesMax; ++i) {
    clock.Advance(1);
    lost.Watch(std::to_string(i), Answer("x")).on_unsent();
  }
  EXPECT_EQ(BodyOf(lost.Take("0")), "none");
  EXPECT_EQ(BodyOf(lost.Take("1")), "x");
}

TEST(LostReplies, TellsRequestsApart) {
  const std::string key = LostReplies::KeyOf("a", Post("/models", "{}"));
  EXPECT_EQ(LostReplies::KeyOf("a", Post("/models", "{}")), key);
  EXPECT_NE(LostReplies::KeyOf("b", Post("/models", "{}")), key);
  EXPECT_NE(LostReplies::KeyOf("a", Post("/models?x", "{}")), key);
  EXPECT_NE(LostReplies::KeyOf("a", Post("/models{", "}")), key);
  Request patch = Post("/models", "{}");
  patch.head.method = Method::kPatch;
  EXPECT_NE(LostReplies::KeyOf("a", patch), key);
}

}  // namespace
}  // namespace godwit::server
