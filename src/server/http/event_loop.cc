#include "server/http/event_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/time_format.h"
#include "server/http/connection.h"
#include "server/http/listener.h"
#include "server/http/response_head.h"

namespace godwit::server {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kWriteBytes = 64 << 10;
constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kTickMinMs = 5;
constexpr int64_t kTickMaxMs = 500;  // Half a second: the Date header is never a whole one old.

int64_t TickFor(const HttpServerOptions& options) {
  const int64_t shortest =
      std::min({options.head_timeout_ms, options.idle_timeout_ms, options.transfer_stall_ms});
  return std::clamp(shortest / 4, kTickMinMs, kTickMaxMs);
}

}  // namespace

class EventLoop::Listener final : public SocketHandler {
 public:
  Listener(EventLoop& loop, Transport transport) : loop_(loop), transport_(transport) {}

  Status Open(int descriptor) {
    socket_ = loop_.reactor_->Watch(descriptor, *this);
    if (!socket_) return Status(StatusCode::kIo, "the listening socket cannot be watched");
    return Status::Ok();
  }

  void Wait() {
    if (socket_->descriptor() >= 0) socket_->Wait(Ready::kRead);
  }
  void Close() { socket_->Close(); }

  void OnReady(Ready) override {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      sockaddr_storage address;
      socklen_t size = sizeof address;
      const int descriptor = ::accept4(socket_->descriptor(), reinterpret_cast<sockaddr*>(&address),
                                       &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) {
        loop_.Accept(descriptor, PeerText(address), transport_);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return;  // Trying at once would spin: the next tick waits again.
      } else if (errno != EINTR && errno != ECONNABORTED) {
        break;
      }
    }
    Wait();
  }

  void OnWaitCancelled() override {}

 private:
  EventLoop& loop_;
  const Transport transport_;
  std::unique_ptr<WatchedSocket> socket_;
};

EventLoop::EventLoop(ServerContext& context)
    : context_(context),
      tick_ms_(TickFor(context.options)),
      reactor_(NewReactor()),
      head_parser_(context.options.head_max_bytes),
      // Room for what is left of a head or a chunk's size line, and a full read behind it.
      read_buffer_(context.options.head_max_bytes + kReadBytes),
      write_buffer_(kWriteBytes) {
  Tick();
}

EventLoop::~EventLoop() {
  while (first_ != nullptr) Remove(first_);  // Those whose workers never came back.
}

Status EventLoop::AddListener(int descriptor, Transport transport) {
  auto listener = std::make_unique<Listener>(*this, transport);
  GODWIT_RETURN_IF_ERROR(listener->Open(descriptor));
  listeners_.push_back(std::move(listener));
  return Status::Ok();
}

void EventLoop::Start() {
  thread_ = std::thread([this] {
    for (const auto& listener : listeners_) listener->Wait();
    reactor_->StartTicking(tick_ms_, [this] { Tick(); });
    reactor_->Run();
  });
}

void EventLoop::Accept(int descriptor, const std::string& peer, Transport transport) {
  counters_.accepted.Add(1);
  if (context_.connections_open.fetch_add(1, std::memory_order_relaxed) >=
      context_.options.connections_max) {
    RefuseBusy(descriptor, transport);
    return;
  }
  auto* connection = new Connection(*this, peer);  // Owned by the list; Remove destroys it.
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection;
  first_ = connection;
  if (!connection->Open(descriptor, transport)) Remove(connection);
}

void EventLoop::RefuseBusy(int descriptor, Transport transport) {
  context_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  counters_.refused_busy.Add(1);
  if (transport == Transport::kTls) {  // A handshake is the dearest that a client can ask for.
    ::close(descriptor);
    return;
  }
  counters_.responses_by_class[5].Add(1);
  const Response response =
      ErrorResponse(503, "this server has as many connections as it may: try again soon");
  const std::string& body = std::get<std::string>(response.body);
  std::string text(StatusLine(503));
  text += date_line_;
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  // One try: a full buffer on a new connection is not worth waiting for.
  (void)::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
  (void)::shutdown(descriptor, SHUT_WR);
  ::close(descriptor);
}

void EventLoop::Remove(Connection* connection) {
  if (connection->previous_ != nullptr) {
    connection->previous_->next_ = connection->next_;
  } else {
    first_ = connection->next_;
  }
  if (connection->next_ != nullptr) connection->next_->previous_ = connection->previous_;
  delete connection;
  context_.connections_open.fetch_sub(1, std::memory_order_relaxed);
}

void EventLoop::Tick() {
  now_ms_ = context_.clock.MonotonicMs();
  const int64_t wall_ms = context_.clock.NowMs();
  if (wall_ms / 1000 != date_second_) {
    date_second_ = wall_ms / 1000;
    date_line_ = "Date: " + FormatHttpDate(wall_ms) + "\r\n";
  }
  // A walk over 10,000 connections costs a millisecond; moving them through a sorted list
  // would cost each request two cache misses.
  for (Connection* connection = first_; connection != nullptr;) {
    Connection* const next = connection->next_;
    if (connection->deadline_ms() <= now_ms_) {
      connection->OnDeadline();
    } else {
      connection->OnTick();
    }
    connection = next;
  }
  for (const auto& listener : listeners_) listener->Wait();
}

void EventLoop::CloseListeners() {
  for (const auto& listener : listeners_) listener->Close();
}

void EventLoop::Drain() {
  reactor_->Post([this] {
    draining_ = true;
    CloseListeners();
    for (Connection* connection = first_; connection != nullptr;) {
      Connection* const next = connection->next_;
      connection->OnDrain();
      connection = next;
    }
  });
}

void EventLoop::Join() {
  if (!thread_.joinable()) return;
  reactor_->Post([this] {
    CloseListeners();
    for (Connection* connection = first_; connection != nullptr;) {
      Connection* const next = connection->next_;
      connection->Abandon();
      connection = next;
    }
    // Cancelled waits are already queued before this.
    reactor_->Post([this] { reactor_->Stop(); });
  });
  thread_.join();
}

}  // namespace godwit::server
