#include "testing/scripted_http_client.h"

#include <algorithm>

namespace godwit::testing {
namespace {

class BodyKeeper final : public HttpSink {
 public:
  Status OnResponse(const HttpResponse&) override { return Status::Ok(); }
  Status OnData(std::span<const std::byte> data) override {
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    return Status::Ok();
  }
  std::string body;
};

}  // namespace

Status ScriptedHttpClient::Deliver(const ScriptedReply& reply, HttpSink& sink,
                                   const std::atomic<bool>* cancelled) const {
  const std::string_view body = reply.body;
  const size_t end = std::min({body.size(), reply.cut_after_bytes.value_or(body.size()),
                               reply.stall_after_bytes.value_or(body.size())});
  for (size_t at = 0; at < end;) {
    if (cancelled != nullptr && *cancelled) return Status(StatusCode::kCancelled, "cancelled");
    const size_t count = std::min<size_t>(piece_bytes_, end - at);
    const std::string_view piece = body.substr(at, count);
    GODWIT_RETURN_IF_ERROR(sink.OnData(std::as_bytes(std::span(piece.data(), piece.size()))));
    at += count;
  }
  if (cancelled != nullptr && *cancelled) return Status(StatusCode::kCancelled, "cancelled");
  if (reply.cut_after_bytes) return Status(StatusCode::kUnavailable, "connection reset");
  if (reply.stall_after_bytes) return Status(StatusCode::kDeadlineExceeded, "stalled");
  return Status::Ok();
}

Result<HttpResponse> ScriptedHttpClient::Send(const HttpRequest& request, HttpSink* sink,
                                              const std::atomic<bool>* cancelled) {
  if (cancelled != nullptr && *cancelled) return Status(StatusCode::kCancelled, "cancelled");
  ScriptedReply reply = handler_(request);
  if (!reply.failure.ok()) return reply.failure;
  HttpResponse response{.status = reply.status, .headers = reply.headers, .body = ""};
  BodyKeeper keeper;
  if (sink != nullptr) GODWIT_RETURN_IF_ERROR(sink->OnResponse(response));
  GODWIT_RETURN_IF_ERROR(Deliver(reply, sink != nullptr ? *sink : keeper, cancelled));
  if (keeper.body.size() > request.response_body_max_bytes) {
    return Status(StatusCode::kResourceExhausted, "answer over the limit");
  }
  response.body = std::move(keeper.body);
  return response;
}

}  // namespace godwit::testing
