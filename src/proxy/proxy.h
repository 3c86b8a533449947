// Proxy: leads Firebase's clients to a server of one's own, and nobody anywhere else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "proxy/tunnel.h"

namespace godwit {

struct ProxyOptions {
  std::string listen;  // "127.0.0.1:8480"; port 0 picks one.
  std::string server;  // "127.0.0.1:8443": where godwitd listens for TLS.
  size_t clients_max = 256;
  TunnelTimeouts timeouts;
};

// An HTTP proxy that knows one method, CONNECT, and opens it for Firebase's hosts on port 443
// alone; whatever the host, the tunnel ends at the server, where TLS ends, too. All else gets a
// reply that says why not, and one line in the log for each host. GET /proxy.pac gives a proxy
// configuration file, by which a phone leaves the rest of its traffic alone.
class Proxy {
 public:
  // Resolves the server's name (blocks), and listens. The clock and the logger must outlive it.
  static Result<std::unique_ptr<Proxy>> Listen(const ProxyOptions& options, const Clock& clock,
                                               Logger& logger);
  virtual ~Proxy() = default;

  // Where it really listens.
  virtual const std::string& address() const = 0;
  // Serves until Stop, on the caller's thread.
  virtual void Run() = 0;
  // From any thread; closes all tunnels. Run returns soon after.
  virtual void Stop() = 0;
};

}  // namespace godwit
