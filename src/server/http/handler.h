// Handler: what the HTTP server asks of the application.
#pragma once

#include <memory>

#include "server/http/message.h"

namespace godwit::server {

// Takes a streamed body on worker threads, one call at a time, in order. After Append returned
// a response (an early refusal) or Finish was called, nothing more comes. Destroyed without
// Finish when the client went away: what was received so far is kept or dropped as the
// implementation promises.
class BodyReceiver {
 public:
  virtual ~BodyReceiver() = default;
  // nullopt: go on.
  virtual std::optional<Response> Append(std::span<const std::byte> data) = 0;
  virtual Response Finish() = 0;
};

enum class BodyPlan {
  kBuffered,  // Collect the body (up to max_bytes), then Handle on a worker.
  kStreamed,  // StartBody on a worker, then Append per chunk.
};

struct RoutePlan {
  BodyPlan plan = BodyPlan::kBuffered;
  uint64_t body_max_bytes = 4 << 20;  // More is 413.
};

// Thread-safe: loops and workers call at once.
class Handler {
 public:
  virtual ~Handler() = default;

  // On a loop thread, for requests without a body. Must not block or throw. Returns false to
  // have a worker answer instead, as Plan says.
  virtual bool TryFast(const RequestHead& head, FastReply* reply) = 0;

  // On a loop thread, cheap: how to receive this request's body. Asked for requests without a
  // body, too: kBuffered leads to Handle, kStreamed to StartBody and Finish.
  virtual RoutePlan Plan(const RequestHead& head) = 0;

  // On a worker; may block.
  virtual Response Handle(const Request& request) = 0;

  // On a worker, for kStreamed. request.body is empty.
  virtual std::unique_ptr<BodyReceiver> StartBody(const Request& request) = 0;
};

}  // namespace godwit::server
