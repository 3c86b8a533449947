#include "proxy/tunnel.h"

#include <cerrno>
#include <cstring>

namespace godwit {
namespace {

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

pollfd Polled(const Descriptor& socket, int events) {
  // A hang-up is reported even to those who asked for nothing, and would keep the loop spinning.
  return {events == 0 ? -1 : socket.get(), static_cast<short>(events), 0};
}

}  // namespace

std::string ProxyReply(std::string_view status_line, std::string_view text,
                       std::string_view content_type) {
  std::string reply = "HTTP/1.1 ";
  reply.append(status_line).append("\r\nContent-Type: ").append(content_type);
  reply.append("\r\nContent-Length: ").append(std::to_string(text.size()));
  return reply.append("\r\nConnection: close\r\n\r\n").append(text);
}

bool Tunnel::Pipe::Move(const Descriptor& source, bool source_is_ready, const Descriptor& target,
                        bool* moved) {
  if (wants_source() && source_is_ready) {
    const ssize_t count = ::recv(source.get(), bytes.data(), bytes.size(), 0);
    if (count < 0 && !WouldBlock()) return false;
    if (count == 0) source_ended = true;
    begin = 0;
    end = count > 0 ? static_cast<size_t>(count) : 0;
  }
  if (!is_empty()) {
    const ssize_t count = ::send(target.get(), bytes.data() + begin, end - begin, MSG_NOSIGNAL);
    if (count < 0 && !WouldBlock()) return false;
    if (count > 0) begin += static_cast<size_t>(count);
    *moved = *moved || count > 0;
  }
  if (is_empty() && source_ended && !target_ended) {
    ::shutdown(target.get(), SHUT_WR);
    target_ended = true;
  }
  return true;
}

Tunnel::Tunnel(Descriptor client, const TunnelRules& rules, int64_t now_ms)
    : rules_(rules), client_(std::move(client)), deadline_ms_(now_ms + rules.timeouts.head_ms) {}

void Tunnel::AppendPolled(std::vector<pollfd>* polled) const {
  int client = 0;
  int server = 0;
  switch (state_) {
    case State::kReadingHead:
    case State::kDraining:
      client = POLLIN;
      break;
    case State::kReplying:
      client = POLLOUT;
      break;
    case State::kConnecting:
      server = POLLOUT;
      break;
    case State::kTunnelling:
      client = (pipes_->up.wants_source() ? POLLIN : 0) | (pipes_->down.is_empty() ? 0 : POLLOUT);
      server = (pipes_->down.wants_source() ? POLLIN : 0) | (pipes_->up.is_empty() ? 0 : POLLOUT);
      break;
  }
  polled->push_back(Polled(client_, client));
  polled->push_back(Polled(server_, server));
}

bool Tunnel::Advance(const pollfd* polled, int64_t now_ms) {
  const bool client_is_ready = polled[0].revents != 0;
  const bool server_is_ready = polled[1].revents != 0;
  if (!client_is_ready && !server_is_ready) return now_ms < deadline_ms_ || TimeOut(now_ms);
  switch (state_) {
    case State::kReadingHead:
      return ReadHead(now_ms);
    case State::kConnecting:
      return FinishConnect(now_ms);
    case State::kTunnelling:
      return MoveBothWays(client_is_ready, server_is_ready, now_ms);
    case State::kReplying:
      return SendReply(now_ms);
    case State::kDraining:
      return Drain() && now_ms < deadline_ms_;
  }
  return false;
}

bool Tunnel::TimeOut(int64_t now_ms) {
  if (state_ == State::kReadingHead && !head_.empty()) {
    return Reply(ProxyReply("408 Request Timeout", "the request came too slowly\n"), now_ms);
  }
  return state_ == State::kConnecting && ConnectNext(now_ms);
}

bool Tunnel::ReadHead(int64_t now_ms) {
  std::array<char, 4096> bytes;
  const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
  if (count < 0) return WouldBlock();
  if (count == 0) return false;
  head_.append(bytes.data(), static_cast<size_t>(count));
  auto parsed = ParseProxyRequest(head_);
  if (parsed.ok() && !parsed->has_value()) return now_ms < deadline_ms_ || TimeOut(now_ms);
  const Result<ProxyRequest> request =
      parsed.ok() ? Result<ProxyRequest>(std::move(**parsed)) : parsed.status();
  std::string refusal = rules_.refuse(request);
  if (!refusal.empty()) return Reply(std::move(refusal), now_ms);
  head_.erase(0, request->head_bytes);
  return ConnectNext(now_ms);
}

bool Tunnel::ConnectNext(int64_t now_ms) {
  while (address_ < rules_.server.size()) {
    server_ = BeginConnect(rules_.server[address_++]);
    if (!server_.is_open()) continue;
    state_ = State::kConnecting;
    deadline_ms_ = now_ms + rules_.timeouts.connect_ms;
    return true;
  }
  server_ = Descriptor();
  return Reply(ProxyReply("502 Bad Gateway", "the server at " + rules_.server_name +
                                                 " cannot be reached; check that it runs\n"),
               now_ms);
}

bool Tunnel::FinishConnect(int64_t now_ms) {
  if (ConnectError(server_) != 0) return ConnectNext(now_ms);
  constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
  pipes_ = std::make_unique<Pipes>();
  kEstablished.copy(pipes_->down.bytes.data(), kEstablished.size());
  pipes_->down.end = kEstablished.size();
  // A client may send its first record without waiting.
  static_assert(sizeof(Pipe::bytes) >= kProxyHeadMaxBytes + 4096);
  head_.copy(pipes_->up.bytes.data(), head_.size());
  pipes_->up.end = head_.size();
  head_ = std::string();
  state_ = State::kTunnelling;
  return MoveBothWays(false, false, now_ms);
}

bool Tunnel::MoveBothWays(bool client_is_ready, bool server_is_ready, int64_t now_ms) {
  bool moved = false;
  if (!pipes_->up.Move(client_, client_is_ready, server_, &moved) ||
      !pipes_->down.Move(server_, server_is_ready, client_, &moved)) {
    return false;
  }
  if (pipes_->up.target_ended && pipes_->down.target_ended) return false;
  if (moved) deadline_ms_ = now_ms + rules_.timeouts.idle_ms;
  return now_ms < deadline_ms_;
}

bool Tunnel::Reply(std::string reply, int64_t now_ms) {
  reply_ = std::move(reply);
  state_ = State::kReplying;
  deadline_ms_ = now_ms + rules_.timeouts.drain_ms;
  return SendReply(now_ms);
}

bool Tunnel::SendReply(int64_t now_ms) {
  const ssize_t count = ::send(client_.get(), reply_.data(), reply_.size(), MSG_NOSIGNAL);
  if (count < 0) return WouldBlock() && now_ms < deadline_ms_;
  reply_.erase(0, static_cast<size_t>(count));
  if (!reply_.empty()) return true;
  // Closing at once, with bytes of the client unread, would reset the connection and could take
  // the reply with it.
  ::shutdown(client_.get(), SHUT_WR);
  state_ = State::kDraining;
  return true;
}

bool Tunnel::Drain() const {
  std::array<char, 4096> bytes;
  const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
  return count > 0 || (count < 0 && WouldBlock());
}

}  // namespace godwit
