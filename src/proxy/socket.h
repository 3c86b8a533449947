// Sockets of the proxy: TCP, never blocking, closed when they go.
#pragma once

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace godwit {

// Owns a file descriptor; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// Ends loops that poll, from any thread.
class StopSignal {
 public:
  Status Open();
  // Readable from the first Send on, for every thread that polls it: nobody reads it.
  const Descriptor& descriptor() const { return reader_; }
  void Send();

 private:
  Descriptor reader_;
  Descriptor writer_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// "HOST:PORT" or "[IPv6]:PORT" as addresses, the preferred first; never empty. Blocks to resolve
// a name. kInvalidArgument for another form, kNoNetworkConnection for a name that has no address.
Result<std::vector<SocketAddress>> ResolveAddress(const std::string& text);

// Port 0 picks one. kUnavailable says why the address cannot be had.
Result<Descriptor> ListenOn(const SocketAddress& address);
// "127.0.0.1:8480", "[::1]:8480": where a socket is bound.
std::string LocalAddress(const Descriptor& socket);

// Not open when nobody waits (any more).
Descriptor AcceptFrom(const Descriptor& listener);

// Begins to connect; once it polls writable, ConnectError says how it went. Not open when it
// failed at once.
Descriptor BeginConnect(const SocketAddress& address);
// An errno; 0 is success.
int ConnectError(const Descriptor& socket);

}  // namespace godwit
