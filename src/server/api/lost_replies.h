// LostReplies: answers to changes that never reached who asked for them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/http/message.h"

namespace godwit::server {

// Firebase's SDKs send a POST, PATCH or DELETE again when its connection broke. The change is made
// by then, so that a create would fail with "already exists" and a delete with "not found"; the
// answer that could not be sent is given instead. Thread-safe; does not block.
class LostReplies {
 public:
  static constexpr int64_t kLifetimeMs = 2 * 60 * 1000;
  static constexpr size_t kRepliesMax = 256;  // The oldest go.

  // clock must outlive this and every response.
  explicit LostReplies(const Clock& clock) : state_(std::make_shared<State>(clock)) {}

  // Equal for the same request of the same account: 64 hex digits.
  static std::string KeyOf(std::string_view account, const Request& request);

  // The answer that was lost less than kLifetimeMs ago; given once.
  std::optional<Response> Take(const std::string& key);

  // The response; it is kept under the key if it cannot be sent. REQUIRES: no file as its body.
  Response Watch(const std::string& key, Response response) const;

 private:
  struct Reply {
    Response response;
    int64_t lost_ms = 0;
  };
  // Shared with the responses that are under way.
  struct State {
    explicit State(const Clock& c) : clock(c) {}
    void Keep(const std::string& key, const Response& response);
    const Clock& clock;
    std::mutex mutex;
    std::map<std::string, Reply> replies;
  };

  std::shared_ptr<State> state_;
};

}  // namespace godwit::server
