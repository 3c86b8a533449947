// LostReplies: answers to changes that never reached who asked for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/http/message.h"

namespace godwit::server {

// Firebase's SDKs send a POST, PATCH or DELETE again when its connection broke. The change is made
// by then, or still under way, so that a create would fail with "already exists" and a delete with
// "not found"; the answer that could not be sent is given instead. Thread-safe.
class LostReplies {
 public:
  static constexpr int64_t kLifetimeMs = 2 * 60 * 1000;
  static constexpr size_t kRepliesMax = 256;  // The oldest go.
  static constexpr std::chrono::seconds kWaitMax{10};

  // clock must outlive this and every response.
  explicit LostReplies(const Clock& clock) : state_(std::make_shared<State>(clock)) {}

  // Equal for the same request of the same account: 64 hex digits.
  static std::string KeyOf(std::string_view account, const Request& request);

  // The answer that was lost less than kLifetimeMs ago, given once; else what `work` answers. Kept
  // under the key in turn if it cannot be sent. While the same request is under way it waits for
  // its end, kWaitMax at most: who sends it again did not see its answer. REQUIRES: no file as
  // the answer's body.
  Response Answer(const std::string& key, const std::function<Response()>& work);

 private:
  struct Reply {
    Response response;
    int64_t lost_ms = 0;
  };
  // Shared with the responses that are under way.
  struct State {
    explicit State(const Clock& c) : clock(c) {}
    void Keep(const std::string& key, Response response);

    const Clock& clock;
    std::mutex mutex;
    std::condition_variable ended;
    std::multiset<std::string> under_way;
    std::map<std::string, Reply> replies;
  };
  // A request under way, until its answer is sent or lost.
  class Guard;

  std::optional<Response> Take(const std::string& key);

  std::shared_ptr<State> state_;
};

}  // namespace godwit::server
