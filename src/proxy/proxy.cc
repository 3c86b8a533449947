#include "proxy/proxy.h"

#include <algorithm>
#include <list>
#include <set>

#include "proxy/firebase_hosts.h"

namespace godwit {
namespace {

constexpr size_t kRefusedHostsMax = 1000;  // Remembered, so that each is logged once.
constexpr int64_t kAcceptPauseMs = 1000;

// Firebase's hosts by way of this proxy, everything else without it.
std::string ProxyConfiguration(const std::string& proxy) {
  std::string text = "function FindProxyForURL(url, host) {\n  var hosts = [";
  const auto hosts = FirebaseHosts();
  for (size_t i = 0; i < hosts.size(); ++i) {
    text.append(i == 0 ? "\"" : ", \"").append(hosts[i]).append("\"");
  }
  return text +
         "];\n  for (var i = 0; i < hosts.length; i++) {\n"
         "    if (host == hosts[i]) return \"PROXY " +
         proxy + "\";\n  }\n  return \"DIRECT\";\n}\n";
}

class PollingProxy final : public Proxy {
 public:
  PollingProxy(const ProxyOptions& options, const Clock& clock, Logger& logger)
      : options_(options), clock_(clock), logger_(logger) {
    rules_.server_name = options.server;
    rules_.timeouts = options.timeouts;
    rules_.refuse = [this](const Result<ProxyRequest>& request) { return Refuse(request); };
  }

  Status Open() {
    GODWIT_ASSIGN_OR_RETURN(rules_.server, ResolveAddress(options_.server));
    GODWIT_ASSIGN_OR_RETURN(const auto own, ResolveAddress(options_.listen));
    GODWIT_ASSIGN_OR_RETURN(listener_,
                            ListenOn(own.front()).WithContext("listen on " + options_.listen));
    address_ = LocalAddress(listener_);
    return stop_.Open();
  }

  const std::string& address() const override { return address_; }

  void Run() override {
    std::vector<pollfd> polled;
    for (;;) {
      const int64_t before_ms = clock_.MonotonicMs();
      const bool accepts = tunnels_.size() < options_.clients_max && before_ms >= accept_after_ms_;
      polled.clear();
      polled.push_back({stop_.descriptor().get(), POLLIN, 0});
      polled.push_back({accepts ? listener_.get() : -1, POLLIN, 0});
      for (const Tunnel& tunnel : tunnels_) tunnel.AppendPolled(&polled);
      ::poll(polled.data(), static_cast<nfds_t>(polled.size()), PollTimeoutMs(before_ms));
      if (polled[0].revents != 0) break;
      const int64_t now_ms = clock_.MonotonicMs();
      const pollfd* next = polled.data() + 2;
      tunnels_.remove_if([&](Tunnel& tunnel) {
        const pollfd* const own = std::exchange(next, next + 2);
        return !tunnel.Advance(own, now_ms);
      });
      if (polled[1].revents != 0) Accept(now_ms);
    }
    tunnels_.clear();
  }

  void Stop() override { stop_.Send(); }

 private:
  // Until the next deadline; -1: for ever.
  int PollTimeoutMs(int64_t now_ms) const {
    int64_t deadline_ms = accept_after_ms_ > now_ms ? accept_after_ms_ : INT64_MAX;
    for (const Tunnel& tunnel : tunnels_) {
      deadline_ms = std::min(deadline_ms, tunnel.deadline_ms());
    }
    if (deadline_ms == INT64_MAX) return -1;
    return static_cast<int>(std::clamp<int64_t>(deadline_ms - now_ms, 0, 60'000));
  }

  void Accept(int64_t now_ms) {
    while (tunnels_.size() < options_.clients_max) {
      Descriptor client = AcceptFrom(listener_);
      if (!client.is_open()) {
        // Without descriptors the next poll would return at once, again and again.
        if (errno == EMFILE || errno == ENFILE) accept_after_ms_ = now_ms + kAcceptPauseMs;
        return;
      }
      tunnels_.emplace_back(std::move(client), rules_, now_ms);
    }
  }

  std::string Refuse(const Result<ProxyRequest>& request) {
    if (!request.ok()) {
      const bool too_long = request.status().code() == StatusCode::kResourceExhausted;
      return ProxyReply(too_long ? "431 Request Header Fields Too Large" : "400 Bad Request",
                        request.status().message() + "\n");
    }
    if (request->method == "CONNECT") return RefuseHost(*request);
    if (request->method == "GET" && request->target == "/proxy.pac" && !request->host.empty()) {
      return ProxyReply("200 OK", ProxyConfiguration(request->host),
                        "application/x-ns-proxy-autoconfig");
    }
    return ProxyReply("405 Method Not Allowed\r\nAllow: CONNECT",
                      "this proxy knows only CONNECT, for https:// addresses; one of http:// is "
                      "reached without a proxy\n");
  }

  std::string RefuseHost(const ProxyRequest& request) {
    if (IsFirebaseHost(request.host) && request.port == 443) return "";
    const std::string name = request.host + ":" + std::to_string(request.port);
    if (refused_.size() < kRefusedHostsMax && refused_.insert(name).second) {
      logger_.Warning("refused a host that is not Firebase's", {{"host", name}});
    }
    return ProxyReply("403 Forbidden",
                      "this proxy leads Firebase's hosts, on port 443, to " + options_.server +
                          " and refuses all others; " + name +
                          " is not one of them. A phone or browser that takes its proxy "
                          "configuration from this proxy (/proxy.pac) asks for no others.\n");
  }

  const ProxyOptions options_;
  const Clock& clock_;
  Logger& logger_;
  TunnelRules rules_;
  Descriptor listener_;
  StopSignal stop_;
  std::string address_;
  std::list<Tunnel> tunnels_;
  int64_t accept_after_ms_ = 0;
  std::set<std::string> refused_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::Listen(const ProxyOptions& options, const Clock& clock,
                                             Logger& logger) {
  auto proxy = std::make_unique<PollingProxy>(options, clock, logger);
  GODWIT_RETURN_IF_ERROR(proxy->Open());
  return std::unique_ptr<Proxy>(std::move(proxy));
}

}  // namespace godwit
