// TLS 1.2 and 1.3, the server's side: what all connections share, and one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

// One certificate and its private key, both as PEM texts. The key is a secret.
struct TlsIdentity {
  std::string certificate_chain;  // The server's own certificate first, then what signed it.
  std::string private_key;        // Not encrypted.
  std::string certificate_file;   // What messages call them.
  std::string private_key_file;
};

// Certificates and settings that connections share. Immutable, so it is replaced as a whole; a
// connection keeps the one with which it began. Its session tickets open only with this
// context, whose key for them is random. Thread-safe.
class TlsContext {
 public:
  // A client is shown the first identity that bears the name it asks for (exactly, or by a
  // wildcard for one label), else the first of all. kInvalidArgument for an identity that cannot
  // be used, with the reason; REQUIRES: at least one.
  static Result<std::shared_ptr<const TlsContext>> New(const std::vector<TlsIdentity>& identities);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  struct Certificate {
    std::vector<std::string> names;  // DNS names, lower case, "*.example.org" too.
    int64_t not_before_ms = 0;
    int64_t not_after_ms = 0;
  };
  const std::vector<Certificate>& certificates() const;  // As given to New.

  struct Parts;  // OpenSSL's.

 private:
  friend class TlsStream;
  explicit TlsContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

enum class TlsOutcome : uint8_t {
  kDone,
  kWantRead,   // Call again when the socket is readable.
  kWantWrite,  // Call again when it is writable.
  kClosed,     // The client has ended its side, or is gone.
  kFailed,     // It broke the protocol: only closing is left.
};

// One connection over a socket. Not thread-safe. Never blocks.
class TlsStream {
 public:
  // Of plain text in one record (RFC 8446, section 5.1).
  static constexpr size_t kRecordMaxBytes = 16 << 10;

  // descriptor: a non-blocking socket, which stays the caller's and must outlive the stream.
  // nullptr when memory is short.
  static std::unique_ptr<TlsStream> New(std::shared_ptr<const TlsContext> context, int descriptor);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Receives once from the socket, goes on with the handshake until it is done, and decrypts all
  // that came. kDone: *count > 0 bytes are in out. *drained: the socket held no more than what was
  // taken, so only a new event can bring more. Nothing readable stays behind in the stream.
  // scratch: any memory for the call. REQUIRES: out has kRecordMaxBytes more than scratch.
  TlsOutcome Read(std::span<char> scratch, std::span<char> out, size_t* count, bool* drained);

  // kDone when all bytes went to the kernel, kWantWrite when *count of them did. Then the next
  // call must offer the same bytes from there on, at least to the end of what is here; they may
  // lie elsewhere. REQUIRES: handshake_done.
  TlsOutcome Write(std::string_view bytes, size_t* count);

  // Tells the client that nothing more comes, without waiting for its answer.
  void Shutdown();

  bool ended() const;  // The client has told that nothing more comes.
  bool handshake_done() const { return handshake_done_; }
  bool started() const { return started_; }        // A byte has come.
  bool plain_http() const { return plain_http_; }  // After kFailed: the client spoke HTTP.
  // After kFailed: OpenSSL's reason, for a log.
  const char* failure() const { return failure_; }

 private:
  struct Socket;  // How OpenSSL reaches the members below.
  TlsStream(std::shared_ptr<const TlsContext> context, void* ssl, int descriptor);
  TlsOutcome Handshake();
  TlsOutcome Decrypt(std::span<char> out, size_t* count);
  TlsOutcome Fail();

  const std::shared_ptr<const TlsContext> context_;
  void* const ssl_;  // SSL*.
  const int descriptor_;
  bool handshake_done_ = false;
  bool started_ = false;
  bool failed_ = false;
  bool plain_http_ = false;
  const char* failure_ = "";
  std::span<const char> input_;  // Received, for OpenSSL to take; empty between two calls.
  std::string unread_;           // What was left of it when the handshake had to wait for a write.
};

}  // namespace godwit
