// The head of a request to a proxy (RFC 9110, section 9.3.6: CONNECT). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

inline constexpr size_t kProxyHeadMaxBytes = 16 << 10;

struct ProxyRequest {
  std::string method;  // "CONNECT", "GET" …; upper-case letters.
  std::string target;  // As sent: printable ASCII without blanks.
  // Of CONNECT: the name alone, lower case, without a dot at the end; never empty. Of others: the
  // Host header, "127.0.0.1:8480"; empty when there is none.
  std::string host;
  uint16_t port = 0;      // Of CONNECT.
  size_t head_bytes = 0;  // What follows them belongs to the tunnel.
};

// Reads what a client has sent so far. nullopt: the head is not complete yet. kResourceExhausted:
// it is longer than the limit; kInvalidArgument: it is no HTTP/1 head, or CONNECT without
// "host:port".
Result<std::optional<ProxyRequest>> ParseProxyRequest(std::string_view bytes);

}  // namespace godwit
