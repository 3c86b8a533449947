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

  // Equal for the same request of the same account about the same source: 64 hex digits. source
  // says which bytes the request's names stand for now.
  static std::string KeyOf(std::string_view account, const Request& request,
                           std::string_view source);

  // What was answered to the same request if that answer is still under way, or was lost less
  // than kLifetimeMs ago (then it is given once), and if state(), which tells what the request has
  // changed, is as it was right after; else what `work` answers. Kept under the key in turn if it
  // cannot be sent. While the same request is at work it waits for that, kWaitMax at most; it and
  // every further one beyond are 503. REQUIRES: no file as the answer's body; state() is quick.
  Response Answer(const std::string& key, const std::function<std::string()>& state,
                  const std::function<Response()>& work);

 private:
  struct Reply {
    Response response;
    std::string state;
    int64_t lost_ms = 0;
  };
  // One request, from its start until its answer is sent or lost.
  struct Run {
    std::optional<Reply> reply;  // Once there is one.
    bool ended = false;          // Also when the work threw.
    bool awaited = false;        // One waits for the reply: more would occupy all workers.
    bool given_on = false;       // To a repetition, which keeps it in turn.
  };
  // Shared with the responses that are under way.
  struct State {
    explicit State(const Clock& c) : clock(c) {}
    void Keep(const std::string& key, const Run& run);

    const Clock& clock;
    std::mutex mutex;
    std::condition_variable ended;
    std::map<std::string, std::shared_ptr<Run>> under_way;  // The newest of each key.
    std::map<std::string, Reply> replies;
  };
  // Owns a Run's place among those under way.
  class Guard;

  // Both REQUIRE that the state's mutex is held. False: the same request is still at work.
  bool AwaitRun(std::unique_lock<std::mutex>& lock, Run& run);
  std::optional<Reply> Take(const std::string& key);

  std::shared_ptr<State> state_;
};

}  // namespace godwit::server
