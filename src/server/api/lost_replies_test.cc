#include "server/api/lost_replies.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <stdexcept>
#include <thread>

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
    return lost_.Answer(key, [&] { return state_; }, [&] { return Response{200, {}, text}; });
  }
  static std::string BodyOf(const Response& response) {
    return std::get<std::string>(response.body);
  }

  testing::ManualClock clock_;
  std::string state_ = "1";
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

TEST_F(LostRepliesTest, ALostAnswerIsDroppedWhenWhatItChangedHasMoved) {
  const auto change = [&](const std::string& text) {
    return lost_.Answer(
        "key", [&] { return state_; },
        [&] {
          state_ = text;
          return Response{200, {}, text};
        });
  };
  change("published").on_unsent();
  EXPECT_EQ(BodyOf(Ask("key", "again")), "published");
  change("published").on_unsent();
  state_ = "unpublished";
  EXPECT_EQ(BodyOf(change("published again")), "published again");
}

TEST_F(LostRepliesTest, ARepetitionGetsTheAnswerOfTheFirstEvenIfThatCouldBeSent) {
  std::optional<Response> first = Ask("key", "first");
  EXPECT_EQ(BodyOf(Ask("key", "second")), "first");
  first->on_unsent();
  first.reset();
  EXPECT_EQ(BodyOf(Ask("key", "third")), "third") << "the repetition had the answer";
}

TEST_F(LostRepliesTest, OneRepetitionWaitsAndMoreAreRefused) {
  std::promise<void> started;
  std::promise<void> go_on;
  auto first = std::async(std::launch::async, [&] {
    return BodyOf(lost_.Answer(
        "key", [&] { return state_; },
        [&] {
          started.set_value();
          go_on.get_future().wait();
          return Response{200, {}, "first"};
        }));
  });
  started.get_future().wait();
  const auto ask = [&] { return Ask("key", "other"); };
  auto second = std::async(std::launch::async, ask);
  auto third = std::async(std::launch::async, ask);
  // One of the two is refused at once, whichever comes later.
  while (second.wait_for(std::chrono::seconds(0)) != std::future_status::ready &&
         third.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    std::this_thread::yield();
  }
  go_on.set_value();
  std::map<int, std::string> bodies;
  for (auto* reply : {&second, &third}) {
    const Response response = reply->get();
    bodies[response.status] = BodyOf(response);
    if (response.status != 503) continue;
    EXPECT_EQ(response.headers.back().first, "Retry-After");
  }
  EXPECT_EQ(bodies.size(), 2u);
  EXPECT_EQ(bodies[200], "first");
  EXPECT_EQ(first.get(), "first");
}

TEST_F(LostRepliesTest, WorkThatThrowsLeavesTheNextToDoIt) {
  const auto fail = [&]() -> Response { throw std::runtime_error("no"); };
  EXPECT_THROW(lost_.Answer("key", [&] { return state_; }, fail), std::runtime_error);
  EXPECT_EQ(BodyOf(Ask("key", "second")), "second");
}

TEST(LostReplies, TellsRequestsApart) {
  const std::string key = LostReplies::KeyOf("a", Post("/models", "{}"), "1");
  EXPECT_EQ(LostReplies::KeyOf("a", Post("/models", "{}"), "1"), key);
  EXPECT_NE(LostReplies::KeyOf("b", Post("/models", "{}"), "1"), key);
  EXPECT_NE(LostReplies::KeyOf("a", Post("/models?x", "{}"), "1"), key);
  EXPECT_NE(LostReplies::KeyOf("a", Post("/models{", "}"), "1"), key);
  EXPECT_NE(LostReplies::KeyOf("a", Post("/models", "{}"), "2"), key) << "other bytes by its name";
  Request patch = Post("/models", "{}");
  patch.head.method = Method::kPatch;
  EXPECT_NE(LostReplies::KeyOf("a", patch, "1"), key);
}

}  // namespace
}  // namespace godwit::server
