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

std::optional<Response> LostReplies::Take(const std::string& key) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->replies.find(key);
  if (found == state_->replies.end()) return std::nullopt;
  Reply reply = std::move(found->second);
  state_->replies.erase(found);
  if (state_->clock.NowMs() - reply.lost_ms >= kLifetimeMs) return std::nullopt;
  return std::move(reply.response);
}

Response LostReplies::Watch(const std::string& key, Response response) const {
  response.on_unsent = [state = state_, key, copy = response] { state->Keep(key, copy); };
  return response;
}

void LostReplies::State::Keep(const std::string& key, const Response& response) {
  const int64_t now_ms = clock.NowMs();
  const std::lock_guard lock(mutex);
  std::erase_if(replies,
                [&](const auto& entry) { return now_ms - entry.second.lost_ms >= kLifetimeMs; });
  if (replies.size() >= kRepliesMax) {
    replies.erase(std::min_element(
        replies.begin(), replies.end(),
        [](const auto& a, const auto& b) { return a.second.lost_ms < b.second.lost_ms; }));
  }
  replies[key] = {response, now_ms};
}

}  // namespace godwit::server
