#include "crypto/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "crypto/tls_context.h"

namespace godwit {
namespace {

SSL* Ssl(void* ssl) { return static_cast<SSL*>(ssl); }

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

// A source and sink of OpenSSL's. Against its own socket it saves a call per read: OpenSSL asks
// for each record's five bytes of header first, and here all that has come is at hand.
struct TlsStream::Socket {
  static int Read(BIO* bio, char* out, size_t size, size_t* count) {
    BIO_clear_retry_flags(bio);
    std::span<const char>& input = Of(bio)->input_;
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return 0;
    }
    *count = std::min(size, input.size());
    std::memcpy(out, input.data(), *count);
    input = input.subspan(*count);
    return 1;
  }

  static int Write(BIO* bio, const char* bytes, size_t size, size_t* count) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(Of(bio)->descriptor_, bytes, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (WouldBlock()) BIO_set_retry_write(bio);
      return 0;
    }
    *count = static_cast<size_t>(sent);
    return 1;
  }

  static long Control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;  // Nothing is held back.
  }

  static TlsStream* Of(BIO* bio) { return static_cast<TlsStream*>(BIO_get_data(bio)); }

  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "godwit socket");
      if (made == nullptr) return made;
      BIO_meth_set_read_ex(made, Read);
      BIO_meth_set_write_ex(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, void* ssl, int descriptor)
    : context_(std::move(context)), ssl_(ssl), descriptor_(descriptor) {}

TlsStream::~TlsStream() {
  // Else a connection that was cut costs a search in the context's cache, behind its lock, for a
  // session that is not there.
  SSL_set_shutdown(Ssl(ssl_), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(Ssl(ssl_));
}

std::unique_ptr<TlsStream> TlsStream::New(std::shared_ptr<const TlsContext> context,
                                          int descriptor) {
  ERR_clear_error();
  SSL* const ssl = SSL_new(context->parts_->first());
  BIO* const bio = ssl != nullptr ? BIO_new(Socket::Method()) : nullptr;
  if (bio == nullptr) {
    SSL_free(ssl);
    return nullptr;
  }
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(context), ssl, descriptor));
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return stream;
}

bool TlsStream::ended() const { return (SSL_get_shutdown(Ssl(ssl_)) & SSL_RECEIVED_SHUTDOWN) != 0; }

TlsOutcome TlsStream::Read(std::span<char> scratch, std::span<char> out, size_t* count,
                           bool* drained) {
  assert(out.size() >= scratch.size() + kRecordMaxBytes);
  *count = 0;
  *drained = false;
  if (failed_) return TlsOutcome::kFailed;
  if (ended()) return TlsOutcome::kClosed;
  const std::string kept = std::exchange(unread_, {});
  if (kept.empty()) {
    const ssize_t received = ::recv(descriptor_, scratch.data(), scratch.size(), 0);
    if (received < 0 && WouldBlock()) return TlsOutcome::kWantRead;
    if (received <= 0) return TlsOutcome::kClosed;
    input_ = scratch.first(static_cast<size_t>(received));
    *drained = input_.size() < scratch.size();
    started_ = true;
  } else {
    input_ = kept;
  }
  ERR_clear_error();  // SSL_get_error looks at what any earlier call has left.
  TlsOutcome outcome = handshake_done_ ? TlsOutcome::kDone : Handshake();
  if (outcome == TlsOutcome::kDone) outcome = Decrypt(out, count);
  if (outcome == TlsOutcome::kWantWrite) unread_.assign(input_.begin(), input_.end());
  input_ = {};
  return outcome;
}

TlsOutcome TlsStream::Handshake() {
  const int result = SSL_do_handshake(Ssl(ssl_));
  if (result == 1) {
    handshake_done_ = true;
    return TlsOutcome::kDone;
  }
  switch (SSL_get_error(Ssl(ssl_), result)) {
    case SSL_ERROR_WANT_READ:
      return TlsOutcome::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return TlsOutcome::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return TlsOutcome::kClosed;
    default:
      return Fail();
  }
}

// What arrived is decrypted to the end, so that only the socket can hold more. A call that finds
// nothing would take and free a buffer.
TlsOutcome TlsStream::Decrypt(std::span<char> out, size_t* count) {
  TlsOutcome end = TlsOutcome::kWantRead;
  while (!input_.empty() || SSL_has_pending(Ssl(ssl_)) == 1) {
    size_t read = 0;
    if (SSL_read_ex(Ssl(ssl_), out.data() + *count, out.size() - *count, &read) == 1) {
      *count += read;
      continue;
    }
    const int error = SSL_get_error(Ssl(ssl_), 0);
    // Wanting to write here is a client that asks for new keys and reads nothing: it may go.
    if (error == SSL_ERROR_ZERO_RETURN) {
      end = TlsOutcome::kClosed;
    } else if (error != SSL_ERROR_WANT_READ) {
      end = Fail();
    }
    break;
  }
  return *count > 0 ? TlsOutcome::kDone : end;  // The next call finds the end again.
}

TlsOutcome TlsStream::Write(std::string_view bytes, size_t* count) {
  assert(handshake_done_);
  *count = 0;
  if (failed_) return TlsOutcome::kFailed;
  ERR_clear_error();
  while (*count < bytes.size()) {
    size_t written = 0;
    if (SSL_write_ex(Ssl(ssl_), bytes.data() + *count, bytes.size() - *count, &written) == 1) {
      *count += written;
      continue;
    }
    if (SSL_get_error(Ssl(ssl_), 0) == SSL_ERROR_WANT_WRITE) return TlsOutcome::kWantWrite;
    return Fail();
  }
  return TlsOutcome::kDone;
}

void TlsStream::Shutdown() {
  if (!handshake_done_ || failed_) return;
  ERR_clear_error();
  SSL_shutdown(Ssl(ssl_));
}

TlsOutcome TlsStream::Fail() {
  failed_ = true;
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    plain_http_ = reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST;
  }
  const char* const text = error != 0 ? ERR_reason_error_string(error) : nullptr;
  failure_ = text != nullptr ? text : "the connection broke";
  return TlsOutcome::kFailed;
}

}  // namespace godwit
