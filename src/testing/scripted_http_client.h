// ScriptedHttpClient: a network in memory that answers as a test says and breaks where it says.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/http_client.h"

namespace godwit::testing {

// What one request gets.
struct ScriptedReply {
  int status = 200;
  std::vector<HttpHeader> headers;  // Content-Length is not added.
  std::string body;

  // Set: the connection is reset after so many bytes of the body.
  std::optional<size_t> cut_after_bytes;
  // Set: nothing more comes after so many bytes, until the stall timeout.
  std::optional<size_t> stall_after_bytes;
  // Not Ok: no answer at all.
  Status failure;
};

// Thread-safe. Never blocks, so a stall takes no time.
class ScriptedHttpClient final : public HttpClient {
 public:
  // Called on the sender's thread, by several threads at once.
  using Handler = std::function<ScriptedReply(const HttpRequest&)>;

  explicit ScriptedHttpClient(Handler handler) : handler_(std::move(handler)) {}

  // Gives the sink the body in pieces of so many bytes.
  void SetPieceBytes(size_t piece_bytes) { piece_bytes_ = piece_bytes; }

  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override;

 private:
  Status Deliver(const ScriptedReply& reply, HttpSink& sink,
                 const std::atomic<bool>* cancelled) const;

  const Handler handler_;
  std::atomic<size_t> piece_bytes_ = 1000;
};

}  // namespace godwit::testing
