// Tunnel: one client of the proxy, from its request to the last byte.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/proxy_request.h"
#include "proxy/socket.h"

namespace godwit {

struct TunnelTimeouts {
  int64_t head_ms = 10'000;       // From the first byte to the end of the request.
  int64_t connect_ms = 10'000;    // To the server.
  int64_t idle_ms = 15 * 60'000;  // Without a byte either way.
  int64_t drain_ms = 2'000;       // For a refused client to read why.
};

// What all tunnels of a proxy share; outlives them.
struct TunnelRules {
  std::vector<SocketAddress> server;  // Tried in this order.
  std::string server_name;            // For messages.
  TunnelTimeouts timeouts;
  // The whole reply to a client that gets no tunnel; empty: it gets one.
  std::function<std::string(const Result<ProxyRequest>&)> refuse;
};

// "HTTP/1.1 403 Forbidden …" with this text, after which the connection ends.
std::string ProxyReply(std::string_view status_line, std::string_view text,
                       std::string_view content_type = "text/plain; charset=utf-8");

// Not thread-safe. Never blocks: its owner polls what it waits for and calls Advance.
class Tunnel {
 public:
  Tunnel(Descriptor client, const TunnelRules& rules, int64_t now_ms);

  // Appends one entry for each of the two connections (-1 where none is waited for).
  void AppendPolled(std::vector<pollfd>* polled) const;
  // Acts on those two entries after the poll, and on the time. False: it is over.
  bool Advance(const pollfd* polled, int64_t now_ms);
  int64_t deadline_ms() const { return deadline_ms_; }

 private:
  // One direction of the tunnel.
  struct Pipe {
    std::array<char, 32 << 10> bytes;
    size_t begin = 0;
    size_t end = 0;
    bool source_ended = false;
    bool target_ended = false;

    bool is_empty() const { return begin == end; }
    bool wants_source() const { return is_empty() && !source_ended; }
    // Moves what there is. False: a connection broke.
    bool Move(const Descriptor& source, bool source_is_ready, const Descriptor& target,
              bool* moved);
  };
  struct Pipes {
    Pipe up;    // To the server.
    Pipe down;  // To the client.
  };
  enum class State { kReadingHead, kConnecting, kTunnelling, kReplying, kDraining };

  bool ReadHead(int64_t now_ms);
  bool ConnectNext(int64_t now_ms);
  bool FinishConnect(int64_t now_ms);
  bool MoveBothWays(bool client_is_ready, bool server_is_ready, int64_t now_ms);
  bool Reply(std::string reply, int64_t now_ms);
  bool SendReply(int64_t now_ms);
  bool Drain() const;
  bool TimeOut(int64_t now_ms);

  const TunnelRules& rules_;
  Descriptor client_;
  Descriptor server_;
  State state_ = State::kReadingHead;
  int64_t deadline_ms_;
  std::string head_;    // What came before the tunnel stood; then empty.
  std::string reply_;   // What is left to send of it.
  size_t address_ = 0;  // The next of the server's to try.
  std::unique_ptr<Pipes> pipes_;
};

}  // namespace godwit
