#include "fault/fault_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "http/http_client.h"
#include "http/range.h"

namespace godwit {
namespace {

constexpr size_t kAnswerHeadMax = 64 << 10;
constexpr int kLingerMs = 2000;
constexpr uint64_t kRateTickMs = 10;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Name and value of each line after the first.
std::vector<HttpHeader> ReadHeaders(std::string_view head) {
  std::vector<HttpHeader> headers;
  for (size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size();) {
    const size_t end = head.find("\r\n", at + 2);
    const std::string_view line = head.substr(at + 2, end == head.npos ? end : end - at - 2);
    const size_t colon = line.find(':');
    if (colon != line.npos) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
    }
    at = end;
  }
  return headers;
}

std::optional<uint64_t> NumberOf(std::optional<std::string_view> text) {
  uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

uint64_t PlaceOf(uint32_t percent, uint64_t total) {
  return static_cast<uint64_t>(static_cast<double>(total) * percent / 100.0);
}

}  // namespace

const Fault* FaultPlan::Find(FaultKind kind) const {
  const auto found = std::ranges::find(faults, kind, &Fault::kind);
  return found == faults.end() ? nullptr : &*found;
}

std::optional<FaultPhase> PhaseOf(std::string_view method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (method == "POST" &&
      (path.ends_with("/installations") || path.ends_with("/authTokens:generate"))) {
    return FaultPhase::kToken;
  }
  if (method != "GET") return std::nullopt;
  if (path.ends_with(":download")) return FaultPhase::kCheck;
  return path.starts_with("/blobs/") ? std::optional(FaultPhase::kBytes) : std::nullopt;
}

bool FaultConnection::WaitFor(const Descriptor& socket, short events) {
  pollfd polled[] = {{rules_.stop.get(), POLLIN, 0}, {socket.get(), events, 0}};
  while (::poll(polled, 2, -1) < 0 && errno == EINTR) {
  }
  return polled[0].revents == 0;
}

bool FaultConnection::Pause(uint64_t duration_ms) {
  pollfd polled = {rules_.stop.get(), POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(duration_ms)) == 0;
}

bool FaultConnection::SendAll(const Descriptor& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && !WouldBlock()) return false;
    if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
    if (count < 0 && !WaitFor(socket, POLLOUT)) return false;
  }
  return true;
}

// Closing with this option throws away what is on its way and sends RST.
void FaultConnection::Reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool FaultConnection::ReadRequest() {
  std::array<char, 16 << 10> bytes;
  for (;;) {
    auto parsed = ParseProxyRequest(head_);
    if (!parsed.ok()) {
      Answer("400 Bad Request", "text/plain", parsed.status().message());
      return false;
    }
    if (*parsed) {
      request_ = **std::move(parsed);
      return true;
    }
    if (!WaitFor(client_, POLLIN)) return false;
    const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
    if (count == 0 || (count < 0 && !WouldBlock())) return false;
    if (count > 0) head_.append(bytes.data(), static_cast<size_t>(count));
  }
}

bool FaultConnection::ConnectUpstream() {
  for (const SocketAddress& address : rules_.upstream) {
    upstream_ = BeginConnect(address);
    if (!upstream_.is_open()) continue;
    if (!WaitFor(upstream_, POLLOUT)) return false;
    if (ConnectError(upstream_) == 0) return true;
  }
  Answer("502 Bad Gateway", "text/plain", "the server behind the faults cannot be reached\n");
  return false;
}

// One request a connection: then its end is the connection's.
std::string FaultConnection::UpstreamHead() const {
  const bool whole = plan_.Find(FaultKind::kRangeIgnored) != nullptr;
  const std::string_view head = std::string_view(head_).substr(0, request_.head_bytes);
  std::string sent(head.substr(0, head.find("\r\n") + 2));
  for (const HttpHeader& header : ReadHeaders(head)) {
    const std::vector<HttpHeader> one = {header};
    if (FindHeader(one, "Connection") || (whole && FindHeader(one, "Range"))) continue;
    sent += header.name + ": " + header.value + "\r\n";
  }
  return sent + "Connection: close\r\n\r\n";
}

void FaultConnection::Answer(std::string_view status_line, std::string_view content_type,
                             std::string_view body) {
  std::string reply = "HTTP/1.1 ";
  reply.append(status_line).append("\r\nContent-Type: ").append(content_type);
  reply.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  reply.append("\r\nConnection: close\r\n\r\n").append(body);
  if (!SendAll(client_, reply)) return;
  // With bytes of the client unread, closing at once could take the reply with it.
  ::shutdown(client_.get(), SHUT_WR);
  std::array<char, 4096> bytes;
  pollfd polled[] = {{rules_.stop.get(), POLLIN, 0}, {client_.get(), POLLIN, 0}};
  while (::poll(polled, 2, kLingerMs) > 0 && polled[0].revents == 0) {
    const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
    if (count == 0 || (count < 0 && !WouldBlock())) return;
  }
}

// True: the request ends here, without the server.
bool FaultConnection::AnswerInstead() {
  if (const Fault* const timeout = plan_.Find(FaultKind::kTimeout)) {
    Pause(timeout->value);
    return true;
  }
  const Fault* const reset = plan_.Find(FaultKind::kReset);
  if (reset != nullptr && !reset->percent) {
    Reset();
    return true;
  }
  if (plan_.Find(FaultKind::kPortal) != nullptr) {
    Answer("200 OK", "text/html", "<html><title>Welcome</title>Log in to this network.</html>\n");
    return true;
  }
  const Fault* const status = plan_.Find(FaultKind::kStatus);
  if (status == nullptr && plan_.Find(FaultKind::kExpire) == nullptr) return false;
  const std::string code = status == nullptr ? "400" : std::to_string(status->value);
  Answer(code + " Fault", "application/json",
         "{\"error\":{\"code\":" + code + ",\"message\":\"" +
             (status == nullptr ? "the link has run out" : "a fault was asked for") + "\"}}\n");
  return true;
}

void FaultConnection::Run() {
  if (!ReadRequest()) return;
  if (const auto phase = PhaseOf(request_.method, request_.target)) {
    plan_ = rules_.plan(*phase, request_);
  }
  if (const Fault* const latency = plan_.Find(FaultKind::kLatency)) {
    const uint64_t spread = 2 * latency->second + 1;
    const uint64_t delay_ms = latency->value + plan_.chance % spread;
    if (!Pause(delay_ms - std::min(delay_ms, latency->second))) return;
  }
  if (AnswerInstead() || !ConnectUpstream()) return;
  if (!SendAll(upstream_, UpstreamHead()) ||
      !SendAll(upstream_, std::string_view(head_).substr(request_.head_bytes))) {
    return;
  }
  Relay();
  if (const Fault* const slow = plan_.Find(FaultKind::kSlowClose)) Pause(slow->value);
}

void FaultConnection::Relay() {
  std::array<char, 64 << 10> bytes;
  for (bool client_ended = false;;) {
    pollfd polled[] = {{rules_.stop.get(), POLLIN, 0},
                       {client_ended ? -1 : client_.get(), POLLIN, 0},
                       {upstream_.get(), POLLIN, 0}};
    if (::poll(polled, 3, -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    if (polled[1].revents != 0) {
      const ssize_t count = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
      if (count < 0 && !WouldBlock()) return;
      client_ended = count == 0;
      if (count > 0 && !SendAll(upstream_, {bytes.data(), static_cast<size_t>(count)})) return;
    }
    if (polled[2].revents != 0) {
      const ssize_t count = ::recv(upstream_.get(), bytes.data(), bytes.size(), 0);
      if (count == 0 || (count < 0 && !WouldBlock())) return;
      if (count > 0 && !TakeAnswer({bytes.data(), static_cast<size_t>(count)})) return;
    }
  }
}

bool FaultConnection::TakeAnswer(std::string_view bytes) {
  if (in_body_) return SendBody(std::string(bytes));
  answer_.append(bytes);
  const size_t end = answer_.find(kHeadEnd);
  if (end == answer_.npos) return answer_.size() <= kAnswerHeadMax;
  const std::string body = answer_.substr(end + kHeadEnd.size());
  answer_.resize(end + kHeadEnd.size());
  in_body_ = !answer_.starts_with("HTTP/1.1 1");  // After a 100 Continue comes another head.
  if (!TakeHead()) return false;
  answer_.clear();
  return in_body_ ? SendBody(body) : body.empty() || TakeAnswer(body);
}

bool FaultConnection::TakeHead() {
  const std::vector<HttpHeader> headers = ReadHeaders(answer_);
  const auto range = ParseContentRange(FindHeader(headers, "Content-Range").value_or(""));
  const uint64_t length = NumberOf(FindHeader(headers, "Content-Length")).value_or(0);
  if (range) body_.position = range->first.value_or(0);
  const uint64_t total = range && range->total_bytes ? *range->total_bytes : length;
  const auto end_at = [&](uint64_t sent) {
    body_.end_after = std::min(body_.end_after.value_or(UINT64_MAX), sent);
  };
  if (const Fault* const limit = plan_.Find(FaultKind::kLimit)) end_at(limit->value);
  for (const FaultKind kind : {FaultKind::kDrop, FaultKind::kReset}) {
    const Fault* const fault = plan_.Find(kind);
    if (fault == nullptr) continue;
    const uint64_t place = PlaceOf(fault->percent.value_or(0), total);
    // What goes on from there has passed it.
    if (place < body_.position || (place == body_.position && place > 0)) continue;
    end_at(place - body_.position);
    body_.end_by_reset = kind == FaultKind::kReset;
  }
  if (const Fault* const corrupt = plan_.Find(FaultKind::kCorrupt); corrupt && total > 0) {
    body_.flipped = corrupt->percent ? std::min(PlaceOf(*corrupt->percent, total), total - 1)
                                     : plan_.chance % total;
  }
  if (const Fault* const slice = plan_.Find(FaultKind::kSlice)) {
    body_.piece_bytes = slice->value;
    body_.pause_ms = static_cast<int64_t>(slice->second);
  }
  if (const Fault* const rate = plan_.Find(FaultKind::kRate)) {
    const size_t tick = std::max<uint64_t>(1, rate->value * kRateTickMs / 1000);
    body_.piece_bytes = std::min(body_.piece_bytes, tick);
    body_.pause_ms += static_cast<int64_t>(body_.piece_bytes * 1000 / rate->value);
  }
  return SendAll(client_, answer_);
}

bool FaultConnection::SendBody(std::string bytes) {
  if (body_.flipped && *body_.flipped >= body_.position &&
      *body_.flipped - body_.position < bytes.size()) {
    char& byte = bytes[*body_.flipped - body_.position];
    byte = static_cast<char>(byte ^ (1 << (plan_.chance >> 32) % 8));
  }
  body_.position += bytes.size();
  std::string_view left = bytes;
  const uint64_t room = body_.end_after ? *body_.end_after - body_.sent : UINT64_MAX;
  const bool ends = left.size() >= room && body_.end_after;
  if (ends) left = left.substr(0, room);
  body_.sent += left.size();
  while (!left.empty()) {
    const std::string_view piece = left.substr(0, body_.piece_bytes);
    left.remove_prefix(piece.size());
    if (!SendAll(client_, piece)) return false;
    if (body_.pause_ms > 0 && !Pause(static_cast<uint64_t>(body_.pause_ms))) return false;
  }
  if (ends && body_.end_by_reset) Reset();
  return !ends;
}

}  // namespace godwit
