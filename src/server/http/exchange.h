// Exchange: one request that needs a worker, from its head to its response.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "server/http/chunked_body.h"
#include "server/http/handler.h"

namespace godwit::server {

// The loop touches its part at any time, a worker the other while worker_busy; what passes
// between them passes when it is not.
class Exchange {
 public:
  // Copies the head, whose views die with the read buffer.
  Exchange(const RequestHead& head, std::string_view peer, RoutePlan plan);
  ~Exchange();  // Where the response was not sent, tells so who made it.
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // The loop's part.
  const RoutePlan plan;
  uint64_t body_remaining = 0;           // By Content-Length.
  std::unique_ptr<ChunkedBody> chunked;  // Or this.
  uint64_t body_received = 0;
  std::string arrived;      // Not yet handed over.
  bool body_ended = false;  // Everything arrived.
  bool last_handed_over = false;
  bool worker_busy = false;
  void ResponseWasSent() { on_unsent_ = nullptr; }

  // The worker's part. Each calls the handler and turns what it throws into a 500.
  Response HandleWhole(Handler& handler, Logger& logger);
  // Hands `chunk` to the receiver (which it makes first); with is_last asks for the response.
  std::optional<Response> HandleChunk(Handler& handler, Logger& logger, bool is_last);

  std::string chunk;  // Set by the loop before a task, read by the worker.

  const Request& request() const { return request_; }
  void TakeBody() { request_.body = std::move(arrived); }

 private:
  std::optional<Response> Inflate();
  std::optional<Response> HandleChunkThrowing(Handler& handler, bool is_last);
  Response Failed(Logger& logger, const char* what) const;

  std::string text_;  // Owns what the head's views show.
  std::vector<RequestHead::Header> headers_;
  Request request_;
  std::unique_ptr<BodyReceiver> receiver_;
  std::function<void()> on_unsent_;  // Of the response; written by the worker.
};

}  // namespace godwit::server
