#include "server/api/lost_replies.h"

#include <algorithm>
#include <utility>

#include "digest/digest.h"

namespace godwit::server {

std::string LostReplies::KeyOf(std::string_view account, const Request& request) {
  // Lengths between the parts, so that no two requests run together to the same text.
  std::string text;
  for (const std::string_view part :
       {account, request.head.target, std::string_view(request.body)}) {
    text.append(std::to_string(part.size())).append(":").append(part);
  }
  text += std::to_string(static_cast<int>(request.head.method));
  return DigestOf(std::string_view(text)).ToHex();
}

class LostReplies::Guard {
 public:
  // REQUIRES: the state's mutex is held.
  Guard(std::shared_ptr<State> state, std::string key)
      : state_(std::move(state)), key_(std::move(key)) {
    state_->under_way.insert(key_);
  }
  ~Guard() {
    {
      const std::lock_guard lock(state_->mutex);
      state_->under_way.erase(state_->under_way.find(key_));
    }
    state_->ended.notify_all();
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  const std::shared_ptr<State> state_;
  const std::string key_;
};

std::optional<Response> LostReplies::Take(const std::string& key) {
  const auto found = state_->replies.find(key);
  if (found == state_->replies.end()) return std::nullopt;
  Reply reply = std::move(found->second);
  state_->replies.erase(found);
  if (state_->clock.NowMs() - reply.lost_ms >= kLifetimeMs) return std::nullopt;
  return std::move(reply.response);
}

Response LostReplies::Answer(const std::string& key, const std::function<Response()>& work) {
  std::optional<Response> lost;
  std::shared_ptr<const Guard> guard;
  {
    std::unique_lock lock(state_->mutex);
    state_->ended.wait_for(lock, kWaitMax, [&] { return !state_->under_way.contains(key); });
    lost = Take(key);
    guard = std::make_shared<const Guard>(state_, key);
  }
  Response response = lost ? *std::move(lost) : work();
  // The guard ends with the function: after its call, or unused when the answer was sent.
  response.on_unsent = [state = state_, key, copy = response, guard] { state->Keep(key, copy); };
  return response;
}

void LostReplies::State::Keep(const std::string& key, Response response) {
  const int64_t now_ms = clock.NowMs();
  const std::lock_guard lock(mutex);
  std::erase_if(replies,
                [&](const auto& entry) { return now_ms - entry.second.lost_ms >= kLifetimeMs; });
  if (replies.size() >= kRepliesMax) {
    replies.erase(std::min_element(
        replies.begin(), replies.end(),
        [](const auto& a, const auto& b) { return a.second.lost_ms < b.second.lost_ms; }));
  }
  replies[key] = {std::move(response), now_ms};
}

}  // namespace godwit::server
