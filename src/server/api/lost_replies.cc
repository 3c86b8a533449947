#include "server/api/lost_replies.h"

#include <algorithm>
#include <utility>

#include "digest/digest.h"
#include "server/api/replies.h"

namespace godwit::server {

std::string LostReplies::KeyOf(std::string_view account, const Request& request,
                               std::string_view source) {
  // Lengths between the parts, so that no two requests run together to the same text.
  std::string text;
  for (const std::string_view part :
       {account, request.head.target, std::string_view(request.body), source}) {
    text.append(std::to_string(part.size())).append(":").append(part);
  }
  text += std::to_string(static_cast<int>(request.head.method));
  return DigestOf(std::string_view(text)).ToHex();
}

class LostReplies::Guard {
 public:
  // REQUIRES: the state's mutex is held.
  Guard(std::shared_ptr<State> state, std::string key)
      : run(std::make_shared<Run>()), state_(std::move(state)), key_(std::move(key)) {
    state_->under_way[key_] = run;
  }
  ~Guard() {
    {
      const std::lock_guard lock(state_->mutex);
      run->ended = true;
      const auto found = state_->under_way.find(key_);
      if (found != state_->under_way.end() && found->second == run) state_->under_way.erase(found);
    }
    state_->ended.notify_all();
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  const std::shared_ptr<Run> run;

 private:
  const std::shared_ptr<State> state_;
  const std::string key_;
};

std::optional<LostReplies::Reply> LostReplies::Take(const std::string& key) {
  const auto found = state_->replies.find(key);
  if (found == state_->replies.end()) return std::nullopt;
  Reply reply = std::move(found->second);
  state_->replies.erase(found);
  if (state_->clock.NowMs() - reply.lost_ms >= kLifetimeMs) return std::nullopt;
  return reply;
}

bool LostReplies::AwaitRun(std::unique_lock<std::mutex>& lock, Run& run) {
  if (run.reply || run.ended) return true;
  if (run.awaited) return false;
  run.awaited = true;
  const bool done = state_->ended.wait_for(lock, kWaitMax, [&] { return run.reply || run.ended; });
  run.awaited = false;
  return done;
}

Response LostReplies::Answer(const std::string& key, const std::function<std::string()>& state,
                             const std::function<Response()>& work) {
  std::optional<Reply> reply;
  std::shared_ptr<const Guard> guard;
  {
    std::unique_lock lock(state_->mutex);
    if (const auto found = state_->under_way.find(key); found != state_->under_way.end()) {
      const std::shared_ptr<Run> first = found->second;
      if (!AwaitRun(lock, *first)) {
        return ErrorResponse(Status(StatusCode::kUnavailable,
                                    "the same request is still under way, so this one was not "
                                    "begun; send it again in a moment"));
      }
      reply = first->reply;
      first->given_on = reply.has_value();
    }
    if (std::optional<Reply> lost = Take(key); !reply) reply = std::move(lost);
    guard = std::make_shared<const Guard>(state_, key);
  }
  // Who asks for a change that was undone meanwhile wants it made again.
  if (!reply || reply->state != state()) {
    reply = Reply{work(), "", 0};
    reply->state = state();
  }
  {
    const std::lock_guard lock(state_->mutex);
    guard->run->reply = reply;
  }
  state_->ended.notify_all();
  Response response = reply->response;
  // The guard ends with the function: after its call, or unused when the answer was sent.
  response.on_unsent = [state = state_, key, guard] { state->Keep(key, *guard->run); };
  return response;
}

void LostReplies::State::Keep(const std::string& key, const Run& run) {
  const std::lock_guard lock(mutex);
  if (run.given_on) return;
  Reply reply = *run.reply;
  reply.lost_ms = clock.NowMs();
  std::erase_if(replies, [&](const auto& entry) {
    return reply.lost_ms - entry.second.lost_ms >= kLifetimeMs;
  });
  if (replies.size() >= kRepliesMax) {
    replies.erase(std::min_element(
        replies.begin(), replies.end(),
        [](const auto& a, const auto& b) { return a.second.lost_ms < b.second.lost_ms; }));
  }
  replies[key] = std::move(reply);
}

}  // namespace godwit::server
