// What is different over TLS; the rest of a connection does not know.
#include <algorithm>
#include <cassert>
#include <utility>

#include "server/http/connection.h"

namespace godwit::server {

// As ReadSome: one recv, and all that it brings is decrypted behind the kept bytes.
void Connection::ReadSomeTls() {
  const std::span<char> buffer = loop_.read_buffer();
  const size_t kept = work_ ? work_->unread.size() : 0;
  const std::span<char> room = buffer.subspan(kept);
  assert(room.size() > TlsStream::kRecordMaxBytes);
  const std::span<char> scratch = loop_.write_buffer().first(
      std::min(loop_.write_buffer().size(), room.size() - TlsStream::kRecordMaxBytes));
  size_t count = 0;
  bool drained = false;
  const TlsOutcome outcome = tls_->Read(scratch, room, &count, &drained);
  left_ = drained ? Left::kNothing : Left::kUnknown;
  if (state_ == State::kHandshake && tls_->handshake_done()) {
    loop_.mutable_counters().tls_handshakes.Add(1);
    state_ = State::kHead;
    SetDeadline(loop_.context().options.idle_timeout_ms);
  }
  switch (outcome) {
    case TlsOutcome::kDone:
      TakeReceived(kept, count);
      return;
    case TlsOutcome::kWantRead:
      // Only an idle connection has ticks to find an end that made no event of its own.
      socket_->Wait(Ready::kRead, state_ == State::kHead ? left_ : Left::kUnknown);
      return;
    case TlsOutcome::kWantWrite:
      socket_->Wait(Ready::kWrite);
      return;
    case TlsOutcome::kClosed:
    case TlsOutcome::kFailed:
      OnTlsEnd();
      return;
  }
}

void Connection::OnTlsEnd() {
  if (state_ == State::kHandshake && tls_->started()) {
    loop_.mutable_counters().tls_handshake_failures.Add(1);
    loop_.context().logger.Debug("a TLS handshake failed",
                                 {{"peer", peer_}, {"reason", tls_->failure()}});
  }
  if (!tls_->plain_http()) {
    Close();
    return;
  }
  tls_.reset();  // The answer is plain, as the question was.
  is_head_ = false;
  Refuse(400, "this port speaks TLS: ask it with https:// in the address");
}

// The short way: a response without a file leaves from where it lies.
Connection::Next Connection::SendNowTls(std::string_view bytes, Output rest) {
  if (rest.file_remaining == 0) {
    size_t count = 0;
    const TlsOutcome outcome = tls_->Write(bytes, &count);
    loop_.mutable_counters().bytes_sent.Add(count);
    if (outcome == TlsOutcome::kDone) return FinishResponse();
    if (outcome == TlsOutcome::kFailed) return Close();
    bytes.remove_prefix(count);
  }
  rest.bytes.assign(bytes);
  return Send(rest);
}

}  // namespace godwit::server
