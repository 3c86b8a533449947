#include "server/api/lost_replies.h"

#include <gtest/gtest.h>

#include <future>

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

class LostRepliesTest : public ::testing::Test {
 protected:
  // What the request `key` is answered, when the work answers `text`.
  Response Ask(const std::string& key, const std::string& text) {
    return lost_.Answer(key, [&] { return Response{200, {}, text}; });
  }
  static std::string BodyOf(const Response& response) {
    return std::get<std::string>(response.body);
  }

  testing::ManualClock clock_;
  LostReplies lost_{clock_};
};

TEST_F(LostRepliesTest, GivesAnAnswerThatWasNotSentOnce) {
  Ask("sent", "first");
  Ask("unsent", "first").on_unsent();
  EXPECT_EQ(BodyOf(Ask("sent", "second")), "second");
  EXPECT_EQ(BodyOf(Ask("unsent", "second")), "first");
  EXPECT_EQ(BodyOf(Ask("unsent", "third")), "third") << "no repetition any more";
  Ask("again", "first").on_unsent();
  Ask("again", "second").on_unsent();
  EXPECT_EQ(BodyOf(Ask("again", "third")), "first") << "lost twice";
}

TEST_F(LostRepliesTest, ForgetsAfterTwoMinutesAndKeepsNotTooMany) {
  Ask("old", "first").on_unsent();
  clock_.Advance(LostReplies::kLifetimeMs);
  EXPECT_EQ(BodyOf(Ask("old", "second")), "second");
  for (size_t i = 0; i <= LostReplies::kRepliesMax; ++i) {
    clock_.Advance(1);
    Ask(std::to_string(i), "first").on_unsent();
  }
  EXPECT_EQ(BodyOf(Ask("0", "second")), "second");
  EXPECT_EQ(BodyOf(Ask("1", "second")), "first");
}

TEST_F(LostRepliesTest, ARepetitionWaitsForTheFirstToEnd) {
  std::optional<Response> first = Ask("key", "first");
  auto second = std::async(std::launch::async, [&] { return BodyOf(Ask("key", "second")); });
  first->on_unsent();
  first.reset();
  EXPECT_EQ(second.get(), "first");
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
