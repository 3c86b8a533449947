// HttpServer: HTTP/1.1 over one event loop per core, and a bounded pool for what blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "crypto/tls.h"
#include "server/http/handler.h"

namespace godwit::server {

struct HttpServerOptions {
  std::vector<std::string> listen = {"127.0.0.1:8484"};  // HOST:PORT, [::1]:PORT; port 0 picks.
  std::vector<std::string> listen_tls;                   // As listen.
  std::shared_ptr<const TlsContext> tls;                 // What listen_tls needs.
  int loop_threads = 0;                                  // 0: one per core.
  int worker_threads = 4;
  int worker_queue_max = 256;  // More waiting requests get 503 with Retry-After.
  size_t head_max_bytes = 16 << 10;
  int connections_max = 16'000;
  int64_t head_timeout_ms = 10'000;    // From the first byte of a head to its end; a handshake.
  int64_t idle_timeout_ms = 75'000;    // Between requests.
  int64_t transfer_stall_ms = 30'000;  // No byte of a body in or out for so long.
  int64_t drain_timeout_ms = 10'000;   // On Stop, for requests under way.
};

// Counters since the start, summed over loops.
struct HttpServerStats {
  uint64_t connections_accepted = 0;
  uint64_t connections_open = 0;
  uint64_t requests = 0;
  uint64_t responses_by_class[6] = {};  // [2]: 2xx …
  uint64_t parse_errors = 0;
  uint64_t refused_busy = 0;  // 503: queue or connection limit.
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t tls_handshakes = 0;          // Done.
  uint64_t tls_handshake_failures = 0;  // Begun, but broken off.
  uint64_t worker_queue_length = 0;
};

// Thread-safe after Start.
class HttpServer {
 public:
  // Binds and starts the threads. handler, clock and logger must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                   Handler& handler, const Clock& clock,
                                                   Logger& logger);
  virtual ~HttpServer() = default;  // Stops.

  // The addresses really bound, with the picked ports: "127.0.0.1:40123".
  virtual std::vector<std::string> addresses() const = 0;
  virtual std::vector<std::string> tls_addresses() const = 0;

  // New connections begin with this from now on; those that are open keep what they have.
  virtual void SetTls(std::shared_ptr<const TlsContext> tls) = 0;

  // Drains: stops accepting, lets requests under way end (up to drain_timeout_ms), joins. Blocks.
  virtual void Stop() = 0;

  virtual HttpServerStats stats() const = 0;
};

}  // namespace godwit::server
