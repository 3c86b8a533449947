#include "server/http/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "server/http/event_loop.h"
#include "server/http/listener.h"
#include "server/http/worker_pool.h"

namespace godwit::server {
namespace {

class LoopingHttpServer final : public HttpServer {
 public:
  LoopingHttpServer(const HttpServerOptions& options, Handler& handler, const Clock& clock,
                    Logger& logger)
      : options_(options),
        workers_(std::max(1, options.worker_threads),
                 static_cast<size_t>(std::max(1, options.worker_queue_max))),
        context_{options_, handler, clock, logger, workers_, TlsCell(options.tls)} {}

  ~LoopingHttpServer() override { Stop(); }

  Status Listen() {
    int loops = options_.loop_threads;
    if (loops <= 0) loops = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    for (int i = 0; i < loops; ++i) loops_.push_back(std::make_unique<EventLoop>(context_));
    for (const std::string& address : options_.listen) {
      GODWIT_RETURN_IF_ERROR(ListenOn(address, Transport::kPlain, &addresses_));
    }
    for (const std::string& address : options_.listen_tls) {
      GODWIT_RETURN_IF_ERROR(ListenOn(address, Transport::kTls, &tls_addresses_));
    }
    return Status::Ok();
  }

  void StartLoops() {
    for (const auto& loop : loops_) loop->Start();
  }

  std::vector<std::string> addresses() const override { return addresses_; }
  std::vector<std::string> tls_addresses() const override { return tls_addresses_; }
  void SetTls(std::shared_ptr<const TlsContext> tls) override { context_.tls.Set(std::move(tls)); }

  void Stop() override {
    const std::lock_guard lock(stop_mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (const auto& loop : loops_) loop->Drain();
    // By real time: a test's manual clock stands still.
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.drain_timeout_ms);
    while (context_.connections_open.load() > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (const auto& loop : loops_) loop->Join();
    workers_.Stop();
  }

  HttpServerStats stats() const override {
    HttpServerStats stats;
    for (const auto& loop : loops_) {
      const LoopCounters& counters = loop->counters();
      stats.connections_accepted += counters.accepted.value();
      stats.requests += counters.requests.value();
      for (size_t i = 0; i < std::size(stats.responses_by_class); ++i) {
        stats.responses_by_class[i] += counters.responses_by_class[i].value();
      }
      stats.parse_errors += counters.parse_errors.value();
      stats.refused_busy += counters.refused_busy.value();
      stats.bytes_sent += counters.bytes_sent.value();
      stats.bytes_received += counters.bytes_received.value();
      stats.tls_handshakes += counters.tls_handshakes.value();
      stats.tls_handshake_failures += counters.tls_handshake_failures.value();
    }
    stats.connections_open = static_cast<uint64_t>(std::max(0, context_.connections_open.load()));
    stats.worker_queue_length = workers_.queue_length();
    return stats;
  }

 private:
  Status ListenOn(const std::string& address, Transport transport,
                  std::vector<std::string>* bound_addresses) {
    std::string bound;
    GODWIT_ASSIGN_OR_RETURN(const std::vector<int> descriptors,
                            server::Listen(address, static_cast<int>(loops_.size()), &bound));
    bound_addresses->push_back(std::move(bound));
    Status status;
    for (size_t i = 0; i < descriptors.size(); ++i) {
      if (status.ok()) {
        status = loops_[i]->AddListener(descriptors[i], transport);
      } else {
        ::close(descriptors[i]);
      }
    }
    return status;
  }

  const HttpServerOptions options_;
  // Loops outlive the workers' threads, and die before the pool that their ends may still use.
  WorkerPool workers_;
  ServerContext context_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::string> addresses_;
  std::vector<std::string> tls_addresses_;
  std::mutex stop_mutex_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      Handler& handler, const Clock& clock,
                                                      Logger& logger) {
  // sendfile has no flag against SIGPIPE, so the whole process must ignore it.
  std::signal(SIGPIPE, SIG_IGN);
  if (!options.listen_tls.empty() && options.tls == nullptr) {
    return Status(StatusCode::kInvalidArgument, "listening with TLS needs a certificate and key");
  }
  auto server = std::make_unique<LoopingHttpServer>(options, handler, clock, logger);
  GODWIT_RETURN_IF_ERROR(server->Listen());
  server->StartLoops();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace godwit::server
