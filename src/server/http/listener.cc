#include "server/http/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace godwit::server {
namespace {

constexpr int kBacklog = 1024;

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  in_port_t& port() {
    return storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  }
};

Result<SocketAddress> ParseAddress(const std::string& text) {
  const Status bad(StatusCode::kInvalidArgument,
                   "'" + text +
                       "' is no address to listen on: give HOST:PORT, for instance "
                       "127.0.0.1:8484, 0.0.0.0:8484 or [::1]:8484");
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  std::string host = text.substr(0, colon);
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return bad;

  SocketAddress address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1) {
      return bad;
    }
    v6.sin6_family = AF_INET6;
    address.size = sizeof(sockaddr_in6);
  } else {
    if (host == "localhost") host = "127.0.0.1";
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return bad;
    v4.sin_family = AF_INET;
    address.size = sizeof(sockaddr_in);
  }
  address.port() = htons(port);
  return address;
}

Status SocketError(const std::string& address) {
  const int error = errno;
  std::string message = "listen on " + address + ": " + std::strerror(error);
  if (error == EADDRINUSE) {
    message +=
        ": another program (perhaps another godwitd) has this port: stop it, or choose "
        "another with --listen";
  } else if (error == EACCES) {
    message += ": ports below 1024 need a privilege: choose another with --listen";
  }
  return Status(error == EADDRINUSE ? StatusCode::kUnavailable : StatusCode::kInvalidArgument,
                std::move(message));
}

enum class Sharing { kAlone, kShared };

// -1 with errno on an error.
int OpenSocket(SocketAddress& address, Sharing sharing) {
  const int family = address.storage.ss_family;
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int on = 1;
  bool ok = ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
  if (family == AF_INET6) {
    ok = ok && ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
  }
  if (sharing == Sharing::kShared) {
    ok = ok && ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  }
  // Accepted sockets inherit it, which saves a call for each.
  ok = ok && ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
  ok = ok && ::bind(descriptor, address.get(), address.size) == 0 &&
       ::listen(descriptor, kBacklog) == 0;
  if (ok) return descriptor;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return -1;
}

}  // namespace

Result<std::vector<int>> Listen(const std::string& text, int count, std::string* bound) {
  GODWIT_ASSIGN_OR_RETURN(SocketAddress address, ParseAddress(text));
  // SO_REUSEPORT would let a second server of the same user share the port in silence, so a
  // socket that shares nothing asks first whether it is free.
  const int probe = OpenSocket(address, Sharing::kAlone);
  if (probe < 0) return SocketError(text);
  if (::getsockname(probe, address.get(), &address.size) != 0) {
    ::close(probe);
    return SocketError(text);
  }
  *bound = text.substr(0, text.rfind(':') + 1) + std::to_string(ntohs(address.port()));
  if (count == 1) return std::vector<int>{probe};
  ::close(probe);
  std::vector<int> descriptors;
  for (int i = 0; i < count; ++i) {
    const int descriptor = OpenSocket(address, Sharing::kShared);
    if (descriptor < 0) {
      Status error = SocketError(text);
      for (const int open : descriptors) ::close(open);
      return error;
    }
    descriptors.push_back(descriptor);
  }
  return descriptors;
}

std::string PeerText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
              sizeof text);
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  }
  return text;
}

}  // namespace godwit::server
