#include "proxy/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace godwit {
namespace {

constexpr int kBacklog = 128;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

bool MakeNonBlocking(int number) {
  const int flags = ::fcntl(number, F_GETFL);
  return flags >= 0 && ::fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 &&
         ::fcntl(number, F_SETFD, FD_CLOEXEC) == 0;
}

// What every connection wants: no delay for small records, and an end when the peer vanished.
void TuneConnection(int number) {
  const int on = 1;
  ::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}

Status StopSignal::Open() {
  int ends[2];
  if (::pipe(ends) != 0) {
    return Status(StatusCode::kResourceExhausted, "no file descriptors are left; close some");
  }
  reader_ = Descriptor(ends[0]);
  writer_ = Descriptor(ends[1]);
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  return Status::Ok();
}

void StopSignal::Send() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = ::write(writer_.get(), &byte, 1);
}

Result<std::vector<SocketAddress>> ResolveAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == text.npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    host.clear();  // An IPv6 address without brackets: its port is anybody's guess.
  }
  const std::string port = colon == text.npos ? "" : text.substr(colon + 1);
  if (host.empty() || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != port.npos || std::stoul(port) > 65535) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + text + "' is no address; give HOST:PORT, as in 127.0.0.1:8443");
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (failure != 0) {
    return Status(StatusCode::kNoNetworkConnection, "'" + host + "' has no address (" +
                                                        ::gai_strerror(failure) +
                                                        "); check the name and the network");
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
  }
  return addresses;
}

Result<Descriptor> ListenOn(const SocketAddress& address) {
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM, 0));
  const int on = 1;
  if (socket.is_open() && MakeNonBlocking(socket.get()) &&
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) ==
          0 &&
      ::listen(socket.get(), kBacklog) == 0) {
    return socket;
  }
  return Status(StatusCode::kUnavailable,
                std::string(std::strerror(errno)) +
                    "; end what uses the address, or listen on another (port 0 picks one)");
}

std::string LocalAddress(const Descriptor& socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  auto* const generic = reinterpret_cast<sockaddr*>(&address.storage);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(socket.get(), generic, &address.size) != 0 ||
      ::getnameinfo(generic, address.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  const std::string name = host.data();
  return (name.find(':') == name.npos ? name : "[" + name + "]") + ":" + port.data();
}

Descriptor AcceptFrom(const Descriptor& listener) {
  Descriptor socket(::accept(listener.get(), nullptr, nullptr));
  if (!socket.is_open() || !MakeNonBlocking(socket.get())) return Descriptor();
  TuneConnection(socket.get());
  return socket;
}

Descriptor BeginConnect(const SocketAddress& address) {
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM, 0));
  if (!socket.is_open() || !MakeNonBlocking(socket.get())) return Descriptor();
  TuneConnection(socket.get());
  const int failure =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  if (failure != 0 && errno != EINPROGRESS) return Descriptor();
  return socket;
}

int ConnectError(const Descriptor& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace godwit
