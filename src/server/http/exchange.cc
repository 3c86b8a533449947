#include "server/http/exchange.h"

#include <exception>
#include <utility>

#include "server/http/header_text.h"
#include "server/http/inflate.h"
#include "server/http/response_head.h"

namespace godwit::server {

Exchange::Exchange(const RequestHead& head, std::string_view peer, RoutePlan route_plan)
    : plan(route_plan) {
  size_t size =
      head.target.size() + head.path.size() + head.query.size() + head.host.size() + peer.size();
  for (const RequestHead::Header& header : head.headers) {
    size += header.name.size() + header.value.size();
  }
  text_.reserve(size);  // Never grows beyond, so the views stay.
  const auto keep = [this](std::string_view view) {
    const size_t start = text_.size();
    text_.append(view);
    return std::string_view(text_).substr(start);
  };
  RequestHead& own = request_.head;
  own = head;
  own.target = keep(head.target);
  own.path = keep(head.path);
  own.query = keep(head.query);
  own.host = keep(head.host);
  own.peer = keep(peer);
  headers_.reserve(head.headers.size());
  for (const RequestHead::Header& header : head.headers) {
    const std::string_view name = keep(header.name);
    headers_.push_back({name, keep(header.value)});
  }
  own.headers = headers_;
}

Exchange::~Exchange() {
  if (on_unsent_) on_unsent_();
}

Response Exchange::Failed(Logger& logger, const char* what) const {
  logger.Error("a handler threw: the request is answered with 500",
               {{"path", request_.head.path}, {"what", what}});
  return ErrorResponse(500, "the server met an error of its own: see its log, then report it");
}

// Returns a response when the body cannot be used.
std::optional<Response> Exchange::Inflate() {
  const std::string_view coding = request_.head.Find("Content-Encoding");
  if (coding.empty() || EqualsIgnoringCase(coding, "identity")) return std::nullopt;
  if (!EqualsIgnoringCase(coding, "gzip") && !EqualsIgnoringCase(coding, "x-gzip")) {
    return ErrorResponse(415, "the only Content-Encoding of a request known here is gzip");
  }
  if (request_.body.empty()) return std::nullopt;
  Result<std::string> plain = InflateGzip(request_.body, plan.body_max_bytes);
  if (!plain.ok()) {
    const bool too_large = plain.status().code() == StatusCode::kOutOfRange;
    return ErrorResponse(too_large ? 413 : 400, plain.status().message());
  }
  request_.body = std::move(*plain);
  return std::nullopt;
}

Response Exchange::HandleWhole(Handler& handler, Logger& logger) {
  try {
    if (std::optional<Response> refused = Inflate()) return std::move(*refused);
    Response response = handler.Handle(request_);
    on_unsent_ = std::move(response.on_unsent);
    return response;
  } catch (const std::exception& error) {
    return Failed(logger, error.what());
  } catch (...) {
    return Failed(logger, "not a std::exception");
  }
}

std::optional<Response> Exchange::HandleChunkThrowing(Handler& handler, bool is_last) {
  if (!receiver_) receiver_ = handler.StartBody(request_);
  if (!chunk.empty()) {
    std::optional<Response> refused = receiver_->Append(std::as_bytes(std::span(chunk)));
    chunk.clear();
    if (refused) return refused;
  }
  if (!is_last) return std::nullopt;
  return receiver_->Finish();
}

std::optional<Response> Exchange::HandleChunk(Handler& handler, Logger& logger, bool is_last) {
  std::optional<Response> response;
  try {
    response = HandleChunkThrowing(handler, is_last);
  } catch (const std::exception& error) {
    response = Failed(logger, error.what());
  } catch (...) {
    response = Failed(logger, "not a std::exception");
  }
  if (response) {
    receiver_.reset();  // Here on the worker: closing a file may block.
    on_unsent_ = std::move(response->on_unsent);
  }
  return response;
}

}  // namespace godwit::server
