// Reading, and what passes to the workers; connection_output.cc has the way back.
#include "server/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/http/response_head.h"

namespace godwit::server {
namespace {

// A streamed body goes to its worker in parts of about this size; with one part being worked
// on and one full, the socket is not read.
constexpr size_t kChunkBytes = 256 << 10;
// Pipelined requests answered before another connection gets its turn.
constexpr int kRequestsPerTurn = 64;

}  // namespace

bool Connection::Open(int descriptor, Transport transport) {
  socket_ = loop_.reactor().Watch(descriptor, *this);
  if (!socket_) return false;
  SetDeadline(loop_.context().options.idle_timeout_ms);
  if (transport == Transport::kTls) {
    tls_ = TlsStream::New(loop_.context().tls.Get(), descriptor);
    if (!tls_) return false;
    state_ = State::kHandshake;
    SetDeadline(loop_.context().options.head_timeout_ms);
  }
  socket_->Wait(Ready::kRead, Left::kNothing);
  return true;
}

Connection::Work& Connection::work() {
  if (!work_) work_ = std::make_unique<Work>();
  return *work_;
}

Connection::Next Connection::Close() {
  // In the middle of a response the client shall see that it was cut off.
  if (tls_ && state_ != State::kWriting) tls_->Shutdown();
  state_ = State::kClosed;
  NoDeadline();
  socket_->Close();
  DestroyIfDone();
  return Next::kGone;
}

void Connection::DestroyIfDone() {
  const bool worker_busy = work_ && work_->exchange && work_->exchange->worker_busy;
  if (socket_->waiting() || posted_ || worker_busy) return;
  ReleaseExchange();
  loop_.Remove(this);
}

void Connection::Abandon() {
  if (state_ != State::kClosed) Close();
}

void Connection::OnDrain() {
  const bool idle = state_ == State::kHead && !head_started_ && !posted_;
  if (idle || state_ == State::kHandshake) Close();
}

void Connection::OnDeadline() {
  switch (state_) {
    case State::kHandshake:
      loop_.mutable_counters().tls_handshake_failures.Add(tls_->started() ? 1 : 0);
      Close();
      return;
    case State::kHead:
      if (!head_started_) {
        Close();
        return;
      }
      loop_.mutable_counters().parse_errors.Add(1);
      Refuse(408, "the request's head did not arrive in time: send it at once");
      return;
    case State::kBody:
      Refuse(408, "the request's body stopped arriving: send it again");
      return;
    case State::kWriting:
    case State::kLingering:
      Close();
      return;
    case State::kWorker:
    case State::kClosed:
      return;
  }
}

// A client's end that arrived together with its last bytes may have made no event of its own.
void Connection::OnTick() {
  if (left_ != Left::kNothing || state_ != State::kHead || posted_) return;
  left_ = Left::kUnknown;
  ReadSome();
}

void Connection::OnWaitCancelled() { DestroyIfDone(); }

void Connection::OnReady(Ready ready) {
  // A wait may outlast the state that began it; then its end means nothing.
  if (state_ == State::kHandshake) {
    ReadSome();
  } else if (ready == Ready::kWrite) {
    if (state_ == State::kWriting && ContinueOutput() == Next::kGoOn) ResumeUnread();
  } else if (state_ == State::kLingering) {
    DropInput();
  } else if ((state_ == State::kHead && !posted_) || state_ == State::kBody) {
    ReadSome();
  }
}

void Connection::DropInput() {
  const std::span<char> buffer = loop_.read_buffer();
  const ssize_t count = ::recv(socket_->descriptor(), buffer.data(), buffer.size(), 0);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    Close();
    return;
  }
  socket_->Wait(Ready::kRead);
}

// One recv a readiness: after a short read the next would only say EAGAIN.
void Connection::ReadSome() {
  if (tls_) {
    ReadSomeTls();
    return;
  }
  const std::span<char> buffer = loop_.read_buffer();
  const size_t kept = work_ ? work_->unread.size() : 0;
  assert(kept < buffer.size());
  const ssize_t count =
      ::recv(socket_->descriptor(), buffer.data() + kept, buffer.size() - kept, 0);
  if (count <= 0) {
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      socket_->Wait(Ready::kRead);
    } else {
      Close();
    }
    return;
  }
  left_ = static_cast<size_t>(count) < buffer.size() - kept ? Left::kNothing : Left::kUnknown;
  TakeReceived(kept, static_cast<size_t>(count));
}

// kept: bytes of work_->unread, whose place in front of the received ones is still to be filled.
void Connection::TakeReceived(size_t kept, size_t count) {
  loop_.mutable_counters().bytes_received.Add(count);
  const std::span<char> buffer = loop_.read_buffer();
  if (kept > 0) {
    std::memcpy(buffer.data(), work_->unread.data(), kept);
    work_->unread.clear();
  }
  Process({buffer.data(), kept + count});
}

void Connection::ResumeUnread() {
  const std::string unread = work_ ? std::exchange(work_->unread, {}) : std::string();
  Process(unread);
}

void Connection::YieldTurn() {
  posted_ = true;
  loop_.reactor().Post([this] {
    posted_ = false;
    if (state_ == State::kClosed) {
      DestroyIfDone();
    } else if (state_ == State::kHead ||
               (state_ == State::kWriting && ContinueOutput() == Next::kGoOn)) {
      ResumeUnread();
    }
  });
}

void Connection::Process(std::string_view bytes) {
  for (int requests = 0;; ++requests) {
    Next next = Next::kGoOn;
    if (state_ == State::kBody) {
      next = ProcessBody(&bytes);
    } else if (requests < kRequestsPerTurn) {
      next = ProcessHead(&bytes);
    } else {
      YieldTurn();
      next = Next::kStop;
    }
    if (next == Next::kGone) return;
    if (next == Next::kStop) {
      if (!bytes.empty()) work().unread.assign(bytes);
      return;
    }
  }
}

Connection::Next Connection::ProcessHead(std::string_view* bytes) {
  const size_t before = bytes->size();
  *bytes = HeadParser::SkipEmptyLines(*bytes);
  if (bytes->empty()) {
    if (tls_ && tls_->ended()) return Close();  // Its socket may never tell.
    head_started_ = false;
    work_.reset();
    SetDeadline(loop_.context().options.idle_timeout_ms);
    socket_->Wait(Ready::kRead, left_);
    return Next::kStop;
  }
  size_t scanned = work_ && bytes->size() == before ? work_->scanned : 0;
  HeadParser& parser = loop_.head_parser();
  switch (parser.Parse(*bytes, &scanned)) {
    case ParseOutcome::kNeedMore:
      work().scanned = scanned;
      if (!head_started_) SetDeadline(loop_.context().options.head_timeout_ms);
      head_started_ = true;
      socket_->Wait(Ready::kRead, left_);
      return Next::kStop;
    case ParseOutcome::kRefused:
      loop_.mutable_counters().parse_errors.Add(1);
      is_head_ = false;
      http_1_1_ = true;
      return Refuse(parser.refusal().status, parser.refusal().message);
    case ParseOutcome::kComplete:
      break;
  }
  if (work_) work_->scanned = 0;
  head_started_ = false;
  bytes->remove_prefix(parser.parsed().size_bytes);
  return AnswerHead(parser.parsed());
}

Connection::Next Connection::AnswerHead(const ParsedHead& parsed) {
  loop_.mutable_counters().requests.Add(1);
  http_1_1_ = parsed.http_1_1;
  is_head_ = parsed.head.method == Method::kHead;
  close_after_ = !parsed.keep_alive || loop_.draining();
  unread_body_ = false;
  auto& head = const_cast<RequestHead&>(parsed.head);  // The parser's, and ours until it parses.
  head.peer = peer_;
  head.secure = tls_ != nullptr;
  if (!parsed.head.chunked && parsed.head.content_length.value_or(0) == 0) {
    FastReply reply;
    if (loop_.context().handler.TryFast(parsed.head, &reply)) {
      return RespondFast(parsed.head, reply);
    }
  }
  return StartExchange(parsed);
}

Connection::Next Connection::StartExchange(const ParsedHead& parsed) {
  const RequestHead& head = parsed.head;
  const RoutePlan plan = loop_.context().handler.Plan(head);
  const uint64_t length = head.content_length.value_or(0);
  const bool has_body = head.chunked || length > 0;
  if (length > plan.body_max_bytes) {
    return Refuse(413, "the request's body is larger than this address accepts");
  }
  auto exchange = std::make_shared<Exchange>(head, peer_, plan);
  exchange->body_remaining = length;
  exchange->body_ended = !has_body;
  if (head.chunked) exchange->chunked = std::make_unique<ChunkedBody>();
  work().exchange = std::move(exchange);
  state_ = State::kBody;
  if (plan.plan == BodyPlan::kStreamed && !SubmitChunk(true)) {
    loop_.mutable_counters().refused_busy.Add(1);
    return Refuse(503, "the server is busy: try again soon");
  }
  if (has_body && parsed.expects_continue && !SendContinue()) return Close();
  return Next::kGoOn;
}

Connection::Next Connection::ProcessBody(std::string_view* bytes) {
  Exchange& exchange = *work_->exchange;
  const size_t before = exchange.arrived.size();
  if (exchange.chunked && !exchange.body_ended) {
    size_t consumed = 0;
    const ParseOutcome outcome = exchange.chunked->Decode(*bytes, &consumed, &exchange.arrived);
    bytes->remove_prefix(consumed);
    if (outcome == ParseOutcome::kRefused) {
      loop_.mutable_counters().parse_errors.Add(1);
      return Refuse(exchange.chunked->refusal().status, exchange.chunked->refusal().message);
    }
    exchange.body_ended = outcome == ParseOutcome::kComplete;
  } else if (!exchange.body_ended) {
    const size_t count =
        static_cast<size_t>(std::min<uint64_t>(bytes->size(), exchange.body_remaining));
    exchange.arrived.append(bytes->substr(0, count));
    bytes->remove_prefix(count);
    exchange.body_remaining -= count;
    exchange.body_ended = exchange.body_remaining == 0;
  }
  exchange.body_received += exchange.arrived.size() - before;
  if (exchange.body_received > exchange.plan.body_max_bytes) {
    return Refuse(413, "the request's body is larger than this address accepts");
  }
  if (exchange.plan.plan == BodyPlan::kStreamed) return PumpBody();
  return exchange.body_ended ? SubmitWhole() : WaitForBody();
}

Connection::Next Connection::WaitForBody() {
  SetDeadline(loop_.context().options.transfer_stall_ms);
  socket_->Wait(Ready::kRead);
  return Next::kStop;
}

// Hands over what arrived if the worker is free, and reads on while there is room.
Connection::Next Connection::PumpBody() {
  Exchange& exchange = *work_->exchange;
  if (!exchange.worker_busy && (exchange.body_ended || !exchange.arrived.empty())) {
    SubmitChunk(false);
  }
  if (exchange.body_ended) {
    state_ = exchange.last_handed_over ? State::kWorker : State::kBody;
    NoDeadline();
    return Next::kStop;
  }
  if (exchange.arrived.size() < kChunkBytes) return WaitForBody();
  NoDeadline();  // The worker is what we wait for; OnWorkerDone reads on.
  return Next::kStop;
}

Connection::Next Connection::SubmitWhole() {
  state_ = State::kWorker;
  NoDeadline();
  std::shared_ptr<Exchange> exchange = work_->exchange;
  exchange->TakeBody();
  exchange->worker_busy = true;
  const bool queued = loop_.context().workers.TrySubmit([this, exchange, &loop = loop_] {
    auto response = std::make_shared<std::optional<Response>>(
        exchange->HandleWhole(loop.context().handler, loop.context().logger));
    loop.reactor().Post([this, response] { OnWorkerDone(std::move(*response)); });
  });
  if (queued) return Next::kStop;
  exchange->worker_busy = false;
  loop_.mutable_counters().refused_busy.Add(1);
  return Refuse(503, "the server is busy: try again soon");
}

// The first part, without bytes, waits within the queue's bound; the others belong to it.
bool Connection::SubmitChunk(bool is_first) {
  std::shared_ptr<Exchange> exchange = work_->exchange;
  exchange->chunk = std::exchange(exchange->arrived, {});
  const bool is_last = exchange->body_ended && !is_first;
  exchange->last_handed_over = is_last;
  exchange->worker_busy = true;
  auto task = [this, exchange, is_last, &loop = loop_] {
    auto response = std::make_shared<std::optional<Response>>(
        exchange->HandleChunk(loop.context().handler, loop.context().logger, is_last));
    loop.reactor().Post([this, response] { OnWorkerDone(std::move(*response)); });
  };
  if (!is_first) {
    loop_.context().workers.Submit(std::move(task));
    return true;
  }
  exchange->worker_busy = loop_.context().workers.TrySubmit(std::move(task));
  return exchange->worker_busy;
}

void Connection::OnWorkerDone(std::optional<Response> response) {
  Exchange& exchange = *work_->exchange;
  exchange.worker_busy = false;
  if (state_ == State::kClosed) {
    DestroyIfDone();
    return;
  }
  if (state_ != State::kBody && state_ != State::kWorker) {
    ReleaseExchange();  // The request was refused while its worker was busy.
    return;
  }
  if (!response) {
    PumpBody();
    return;
  }
  if (!exchange.body_ended) {  // An early refusal.
    unread_body_ = true;
    close_after_ = true;
  }
  if (Respond(std::move(*response)) == Next::kGoOn) ResumeUnread();
}

// A receiver that did not finish is destroyed on a worker, for it may have a file to close.
void Connection::ReleaseExchange() {
  if (!work_ || !work_->exchange) return;
  std::shared_ptr<Exchange> exchange = std::move(work_->exchange);
  if (exchange->plan.plan == BodyPlan::kStreamed) {
    loop_.context().workers.Submit([exchange = std::move(exchange)] {});
  }
}

}  // namespace godwit::server
