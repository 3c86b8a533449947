#include "fault/fault_server.h"

#include <poll.h>

#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include "fault/fault_connection.h"

namespace godwit {
namespace {

constexpr size_t kConnectionsMax = 256;
constexpr int kReapMs = 100;

// Well spread, and the same for the same seed (SplitMix64's finish).
uint64_t ChanceOf(uint64_t seed, uint64_t number) {
  uint64_t x = seed + number * 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

constexpr std::string_view NameOf(FaultPhase phase) {
  if (phase == FaultPhase::kToken) return "token";
  return phase == FaultPhase::kCheck ? "check" : "bytes";
}

class ThreadedFaultServer final : public FaultServer {
 public:
  ThreadedFaultServer(const FaultSpec& spec, Logger& logger) : logger_(logger), spec_(spec) {
    rules_.plan = [this](FaultPhase phase, const ProxyRequest& request) {
      return Plan(phase, request);
    };
  }

  Status Open(const FaultServerOptions& options) {
    if (!options.upstream.empty()) GODWIT_RETURN_IF_ERROR(SetUpstream(options.upstream));
    GODWIT_ASSIGN_OR_RETURN(const auto own, ResolveAddress(options.listen));
    GODWIT_ASSIGN_OR_RETURN(listener_,
                            ListenOn(own.front()).WithContext("listen on " + options.listen));
    address_ = LocalAddress(listener_);
    return stop_.Open();
  }

  const std::string& address() const override { return address_; }

  void SetSpec(const FaultSpec& spec) override {
    const std::lock_guard lock(mutex_);
    spec_ = spec;
    request_count_ = 0;
  }

  Status SetUpstream(const std::string& upstream) override {
    GODWIT_ASSIGN_OR_RETURN(upstream_, ResolveAddress(upstream));
    return Status::Ok();
  }

  void Run() override {
    for (;;) {
      const bool accepts = connections_.size() < kConnectionsMax;
      pollfd polled[] = {{stop_.descriptor().get(), POLLIN, 0},
                         {accepts ? listener_.get() : -1, POLLIN, 0}};
      ::poll(polled, 2, connections_.empty() ? -1 : kReapMs);
      connections_.remove_if([](Connection& connection) { return connection.has_ended.load(); });
      if (polled[0].revents != 0) break;
      if (polled[1].revents == 0) continue;
      Descriptor client = AcceptFrom(listener_);
      if (client.is_open()) connections_.emplace_back(std::move(client), rules_);
    }
    connections_.clear();
  }

  void Stop() override { stop_.Send(); }

 private:
  struct Connection {
    Connection(Descriptor client, const FaultConnection::Rules& rules)
        : thread([this, socket = std::move(client), &rules]() mutable {
            FaultConnection(std::move(socket), rules).Run();
            has_ended = true;
          }) {}
    ~Connection() { thread.join(); }

    std::atomic<bool> has_ended = false;
    std::thread thread;
  };

  FaultPlan Plan(FaultPhase phase, const ProxyRequest& request) {
    FaultPlan plan;
    {
      const std::lock_guard lock(mutex_);
      plan.chance = ChanceOf(spec_.seed, request_count_++);
      for (Fault& fault : spec_.faults) {
        if ((fault.phases & static_cast<uint32_t>(phase)) == 0 || fault.times == 0) continue;
        if (fault.times) --*fault.times;
        plan.faults.push_back(fault);
      }
    }
    if (!plan.faults.empty()) {
      // Without the query, which may hold a signature.
      logger_.Info("faults for a request",
                   {{"phase", std::string(NameOf(phase))},
                    {"path", request.target.substr(0, request.target.find('?'))},
                    {"faults", std::to_string(plan.faults.size())}});
    }
    return plan;
  }

  Logger& logger_;
  std::mutex mutex_;
  FaultSpec spec_;              // Guarded by mutex_; its times run down.
  uint64_t request_count_ = 0;  // Guarded by mutex_.
  std::vector<SocketAddress> upstream_;
  Descriptor listener_;
  StopSignal stop_;
  std::string address_;
  FaultConnection::Rules rules_{stop_.descriptor(), upstream_, nullptr};
  std::list<Connection> connections_;  // Of Run's thread.
};

}  // namespace

Result<std::unique_ptr<FaultServer>> FaultServer::Listen(const FaultServerOptions& options,
                                                         Logger& logger) {
  auto server = std::make_unique<ThreadedFaultServer>(options.spec, logger);
  GODWIT_RETURN_IF_ERROR(server->Open(options));
  return std::unique_ptr<FaultServer>(std::move(server));
}

}  // namespace godwit
