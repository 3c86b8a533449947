// EventLoop: one thread's share of the server: its listeners, connections and buffers.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/http/http_server.h"
#include "server/http/reactor.h"
#include "server/http/request_parser.h"
#include "server/http/worker_pool.h"

namespace godwit::server {

class Connection;

// Counts with one writer, the loop; anyone may read.
class Counter {
 public:
  void Add(uint64_t count) { value_.store(value_.load(kOrder) + count, kOrder); }
  uint64_t value() const { return value_.load(kOrder); }

 private:
  static constexpr auto kOrder = std::memory_order_relaxed;
  std::atomic<uint64_t> value_{0};
};

struct LoopCounters {
  Counter accepted;
  Counter requests;
  Counter responses_by_class[6];
  Counter parse_errors;
  Counter refused_busy;
  Counter bytes_sent;
  Counter bytes_received;
  Counter tls_handshakes;
  Counter tls_handshake_failures;
};

enum class Transport : uint8_t { kPlain, kTls };

// What new TLS connections begin with. Thread-safe.
class TlsCell {
 public:
  explicit TlsCell(std::shared_ptr<const TlsContext> tls) : tls_(std::move(tls)) {}
  std::shared_ptr<const TlsContext> Get() const {
    const std::lock_guard lock(mutex_);
    return tls_;
  }
  void Set(std::shared_ptr<const TlsContext> tls) {
    const std::lock_guard lock(mutex_);
    tls_.swap(tls);  // The old one may be destroyed outside of the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> tls_;
};

// What all loops share. Must outlive them.
struct ServerContext {
  const HttpServerOptions& options;
  Handler& handler;
  const Clock& clock;
  Logger& logger;
  WorkerPool& workers;
  TlsCell tls;
  std::atomic<int> connections_open{0};
};

// Everything without a word about threads is for the loop thread only.
class EventLoop {
 public:
  explicit EventLoop(ServerContext& context);
  ~EventLoop();  // REQUIRES: Join returned, or Start was never called; workers stopped.

  // Before Start. Takes the listening descriptor over.
  Status AddListener(int descriptor, Transport transport);
  void Start();

  // Thread-safe: stops accepting; connections end with what they are doing.
  void Drain();
  // Thread-safe: closes what is left and ends the thread; blocks until it did.
  void Join();
  const LoopCounters& counters() const { return counters_; }  // Thread-safe.

  // For connections.
  ServerContext& context() { return context_; }
  Reactor& reactor() { return *reactor_; }
  HeadParser& head_parser() { return head_parser_; }
  LoopCounters& mutable_counters() { return counters_; }
  std::span<char> read_buffer() { return read_buffer_; }     // Free between two events.
  std::span<char> write_buffer() { return write_buffer_; }   // Free between two sends.
  std::string_view date_line() const { return date_line_; }  // "Date: …\r\n"
  bool draining() const { return draining_; }
  // Monotonic, as of the last tick; a deadline made from it may be up to one tick early.
  int64_t now_ms() const { return now_ms_; }
  int64_t tick_ms() const { return tick_ms_; }
  void Remove(Connection* connection);  // Destroys it.

 private:
  class Listener;

  void Accept(int descriptor, const std::string& peer, Transport transport);
  void RefuseBusy(int descriptor, Transport transport);
  void Tick();
  void CloseListeners();

  ServerContext& context_;
  const int64_t tick_ms_;
  std::unique_ptr<Reactor> reactor_;
  HeadParser head_parser_;
  std::vector<char> read_buffer_;
  std::vector<char> write_buffer_;
  std::string date_line_;
  int64_t date_second_ = -1;
  int64_t now_ms_ = 0;
  bool draining_ = false;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Connection* first_ = nullptr;  // All connections, linked.
  LoopCounters counters_;
  std::thread thread_;
};

}  // namespace godwit::server
