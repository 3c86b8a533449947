#include "proxy/proxy_request.h"

#include <algorithm>
#include <charconv>

namespace godwit {
namespace {

constexpr size_t kHostMaxBytes = 255;
constexpr size_t kMethodMaxBytes = 32;

Status Malformed(const char* what) {
  return Status(StatusCode::kInvalidArgument, std::string("the request is malformed: ") + what);
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == ':' || c == '[' || c == ']';
}

// "host:port"; the last colon parts them, as an IPv6 address has more.
Status ReadAuthority(std::string_view target, ProxyRequest* request) {
  const size_t colon = target.rfind(':');
  if (colon == target.npos) return Malformed("CONNECT takes host:port");
  std::string_view host = target.substr(0, colon);
  const std::string_view digits = target.substr(colon + 1);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kHostMaxBytes) return Malformed("the host's length");
  for (const char c : host) request->host += Lower(c);
  if (!std::ranges::all_of(request->host, IsHostCharacter)) return Malformed("the host's name");
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, request->port);
  if (error != std::errc() || stopped != end || request->port == 0) return Malformed("the port");
  return Status::Ok();
}

// The value of the first Host header in the lines; empty when there is none or it is no address.
std::string HostHeader(std::string_view lines) {
  constexpr std::string_view kName = "host:";
  while (!lines.empty()) {
    const size_t end = std::min(lines.find("\r\n"), lines.size());
    std::string line(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 2, lines.size()));
    std::ranges::transform(line, line.begin(), Lower);
    if (!line.starts_with(kName)) continue;
    line.erase(0, std::min(line.find_first_not_of(' ', kName.size()), line.size()));
    const bool is_plain =
        line.size() <= kHostMaxBytes && std::ranges::all_of(line, IsHostCharacter);
    return is_plain ? line : "";
  }
  return "";
}

Status ReadRequestLine(std::string_view line, ProxyRequest* request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return Malformed("its first line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (method.empty() || method.size() > kMethodMaxBytes ||
      !std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return Malformed("its method");
  }
  if (target.empty() || !std::ranges::all_of(target, [](char c) { return c > ' ' && c <= '~'; })) {
    return Malformed("its target");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Malformed("its version is not HTTP/1");
  request->method = method;
  request->target = target;
  return method == "CONNECT" ? ReadAuthority(target, request) : Status::Ok();
}

}  // namespace

Result<std::optional<ProxyRequest>> ParseProxyRequest(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kProxyHeadMaxBytes);
  const size_t end = head.find("\r\n\r\n");
  const size_t line_end = head.find("\r\n");
  if (end == head.npos) {
    if (head.size() == kProxyHeadMaxBytes) {
      return Status(StatusCode::kResourceExhausted, "the request's head is over 16 KiB");
    }
    // A TLS client or a browser's HTTP/2 is told at once, not after the timeout.
    const bool is_text = head.empty() || (head.front() >= 'A' && head.front() <= 'Z');
    if (!is_text) return Malformed("this is a proxy for HTTP/1 without TLS");
    return std::optional<ProxyRequest>();
  }
  ProxyRequest request;
  GODWIT_RETURN_IF_ERROR(ReadRequestLine(head.substr(0, line_end), &request));
  if (request.method != "CONNECT") request.host = HostHeader(head.substr(line_end, end - line_end));
  request.head_bytes = end + 4;
  return std::optional<ProxyRequest>(std::move(request));
}

}  // namespace godwit
