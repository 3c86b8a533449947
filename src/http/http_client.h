// HttpClient: the seam to the network. libcurl in programs, a scripted one in tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

struct HttpHeader {
  std::string name;
  std::string value;
};

// The first value of a header, by case-insensitive name; nullopt when absent.
std::optional<std::string_view> FindHeader(const std::vector<HttpHeader>& headers,
                                           std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers;
  std::string body;  // Sent when body_source is empty and the method carries one.

  // Streams a body of body_size_bytes: fills the span, returns the count; 0 ends it early (an
  // error). Called on the thread that runs Send.
  std::function<Result<size_t>(std::span<std::byte>)> body_source;
  uint64_t body_size_bytes = 0;

  int64_t connect_timeout_ms = 10'000;
  // Gives up with kDeadlineExceeded after a stretch of stall_timeout_ms in which fewer than
  // stall_bytes_per_s arrived and left on average. There is no cap on the whole transfer.
  int64_t stall_timeout_ms = 30'000;
  int64_t stall_bytes_per_s = 1;
  uint64_t receive_limit_bytes_per_s = 0;       // 0: no limit.
  uint64_t response_body_max_bytes = 16 << 20;  // Applies when there is no sink.
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;  // Empty when a sink took it.
};

// Receives a response as it arrives. An error from either call ends the transfer and is what
// Send returns.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  // Status line and headers are complete; response.body is empty.
  virtual Status OnResponse(const HttpResponse& response) = 0;
  virtual Status OnData(std::span<const std::byte> data) = 0;
};

// Thread-safe: several threads may send at once.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Blocks until the response is complete. Any HTTP status is a success here. Errors:
  // kNoNetworkConnection (no such host, no route), kUnavailable (refused, reset, cut short),
  // kDeadlineExceeded (stalled), kCancelled (cancelled became true; checked at least twice a
  // second), kPermissionDenied (TLS certificate or key refused), or what the sink returned.
  // sink and cancelled may be null. Redirects are not followed.
  virtual Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                                    const std::atomic<bool>* cancelled) = 0;
};

struct CurlHttpClientOptions {
  std::string user_agent;
  std::string ca_file;  // PEM; trusted instead of the system's store. Empty: that.
  // "http://proxy.example.org:3128"; https, socks5 and socks5h, too. Empty: no proxy, whatever the
  // environment says. nullopt: as the environment says, by libcurl's rules: http_proxy, https_proxy
  // or HTTPS_PROXY, else all_proxy or ALL_PROXY, but for what no_proxy or NO_PROXY names.
  std::optional<std::string> proxy_url = std::nullopt;
  // "sha256//" and the Base64 of a SHA-256 of a certificate's public key (SubjectPublicKeyInfo).
  // When there are any, a host without one of these keys is refused, whoever vouches for it.
  std::vector<std::string> pins = {};
};

// kInvalidArgument names what is malformed: for options that come from outside.
Status CheckProxyUrl(std::string_view proxy_url);
Status CheckPin(std::string_view pin);

std::unique_ptr<HttpClient> NewCurlHttpClient(const CurlHttpClientOptions& options);

}  // namespace godwit
