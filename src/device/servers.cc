#include "device/servers.h"

#include <algorithm>
#include <cassert>

#include "device/retry.h"
#include "protocol/error_body.h"

namespace godwit {
namespace {

constexpr int64_t kPassOverMs = 60'000;
constexpr int64_t kPassOverMaxMs = 30 * 60'000;

bool IsRedirect(int status) { return status >= 300 && status < 400 && status != 304; }

// Whether no answer came at all. Not Ok is the cause.
Status OutageOf(const Status& failure) {
  switch (failure.code()) {
    case StatusCode::kNoNetworkConnection:
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kPermissionDenied:  // Its certificate is refused.
      return failure;
    default:  // Ours: cancelled, out of memory, what the sink said.
      return Status::Ok();
  }
}

// Not Ok when the answer is a server's trouble, or none of a godwit server's.
Status OutageOf(const HttpResponse& response) {
  if (response.status >= 500) return StatusFromErrorBody(response.status, response.body);
  if (IsRedirect(response.status)) return RedirectError(response);
  return Status::Ok();
}

// Every success of the API carries JSON.
Status CheckThatItIsOurs(const HttpResponse& response) {
  const bool is_success = response.status >= 200 && response.status < 300;
  const size_t first = response.body.find_first_not_of(" \t\r\n");
  if (!is_success || (first != std::string::npos && response.body[first] == '{')) {
    return Status::Ok();
  }
  return Status(StatusCode::kUnavailable,
                "the answer is not a godwit server's; if this network has a login page, log in, "
                "else check the server's address");
}

}  // namespace

std::string_view OriginOf(std::string_view url) {
  const size_t scheme = url.find("://");
  return url.substr(0, url.find_first_of("/?#", scheme == url.npos ? 0 : scheme + 3));
}

Status RedirectError(const HttpResponse& response) {
  const std::string_view location = FindHeader(response.headers, "Location").value_or("");
  std::string target;
  for (const char c : OriginOf(location).substr(0, 100)) {
    if (c > ' ' && c < 0x7f) target += c;
  }
  return Status(StatusCode::kUnavailable,
                "the server redirects" + (target.empty() ? target : " to " + target) +
                    ", which is not followed; if this network has a login page, log in, else give "
                    "the server's final address");
}

Servers::Servers(const ServersOptions& options, HttpClient& http, const Clock& clock,
                 Logger& logger)
    : options_(options), http_(http), clock_(clock), logger_(logger) {
  assert(!options.urls.empty());
  for (const std::string& url : options.urls) servers_.push_back({.url = url});
}

Result<HttpResponse> Servers::SendOnce(HttpRequest& request, HttpSink* sink,
                                       const std::atomic<bool>* cancelled) {
  request.stall_timeout_ms = options_.stall_timeout_ms;
  request.stall_bytes_per_s = options_.stall_bytes_per_s;
  return http_.Send(request, sink, cancelled);
}

std::vector<size_t> Servers::Order() {
  const int64_t now_ms = clock_.MonotonicMs();
  std::vector<size_t> order(servers_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::lock_guard lock(mutex_);
  std::ranges::stable_partition(
      order, [&](size_t i) { return servers_[i].passed_over_until_ms <= now_ms; });
  return order;
}

void Servers::Learn(size_t index, const Status& cause, int64_t retry_after_ms) {
  const std::lock_guard lock(mutex_);
  Server& server = servers_[index];
  if (cause.ok()) {
    server.failures = 0;
    server.passed_over_until_ms = 0;
    return;
  }
  const int64_t pause_ms = std::min(
      kPassOverMaxMs, std::max(kPassOverMs << std::min(server.failures, 10), retry_after_ms));
  ++server.failures;
  server.passed_over_until_ms = clock_.MonotonicMs() + pause_ms;
  if (servers_.size() == 1) return;  // It is tried all the same.
  logger_.Warning("a server is passed over for a while",
                  {{"server", server.url},
                   {"seconds", std::to_string(pause_ms / 1000)},
                   {"cause", cause.message()}});
}

Result<Servers::Reply> Servers::Send(HttpRequest request, const std::atomic<bool>* cancelled) {
  const std::string path = std::move(request.url);
  Result<Reply> outcome = Status(StatusCode::kInternal, "no server");
  for (const size_t index : Order()) {
    const std::string& url = servers_[index].url;
    request.url = url + path;
    auto response = SendOnce(request, nullptr, cancelled);
    if (!response.ok()) {
      const Status outage = OutageOf(response.status());
      if (outage.ok()) return response.status();
      Learn(index, outage, 0);
      outcome = outage;
      continue;
    }
    const Status foreign = CheckThatItIsOurs(*response);
    const Status outage = foreign.ok() ? OutageOf(*response) : foreign;
    Learn(index, outage, RetryAfterMs(*response, clock_));
    if (outage.ok()) return Reply{*std::move(response), url};
    // A server's own 5xx says more than we could: when to come back.
    outcome = response->status >= 500 ? Result<Reply>(Reply{*std::move(response), url}) : outage;
  }
  return outcome;
}

Result<HttpResponse> Servers::Fetch(HttpRequest request, HttpSink& sink,
                                    const std::atomic<bool>* cancelled) {
  const std::string_view origin = OriginOf(request.url);
  const bool is_ours =
      std::ranges::any_of(servers_, [&](const Server& server) { return server.url == origin; });
  if (!is_ours) return SendOnce(request, &sink, cancelled);
  const size_t index = Order().front();
  request.url.replace(0, origin.size(), servers_[index].url);
  auto response = SendOnce(request, &sink, cancelled);
  Learn(index, response.ok() ? OutageOf(*response) : OutageOf(response.status()), 0);
  return response;
}

}  // namespace godwit
