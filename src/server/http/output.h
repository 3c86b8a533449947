// Output: what of one response is still to be sent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "crypto/tls.h"
#include "server/http/message.h"

namespace godwit::server {

enum class SendOutcome {
  kDone,
  kBlocked,  // The socket's buffer is full: wait until it is writable.
  kYield,    // Much was sent and more could be: let others have their turn.
  kFailed,   // The client is gone, or the file cannot be read.
};

// Bytes, then bytes kept by an owner, then a part of a file; each may be empty.
// Not thread-safe. Never blocks on the socket; reading a file may wait for the disk.
struct Output {
  std::string bytes;
  std::string_view more_bytes;  // Kept alive by owner, or by more_owned.
  std::shared_ptr<const void> owner;
  std::string more_owned;
  std::shared_ptr<File> file;
  uint64_t file_offset = 0;
  uint64_t file_remaining = 0;
  size_t bytes_sent = 0;  // Of bytes and more_bytes together.

  // Sends what the socket takes, up to a fair share; adds to *sent_bytes. scratch: used when
  // the file has no descriptor.
  SendOutcome Send(int descriptor, std::span<std::byte> scratch, uint64_t* sent_bytes);

  // The same through TLS. scratch: for at least one record.
  SendOutcome SendTls(TlsStream& tls, std::span<char> scratch, uint64_t* sent_bytes);

 private:
  SendOutcome SendBytes(int descriptor, uint64_t* sent_bytes);
  std::span<char> Gather(std::span<char> scratch);
  int64_t SendFilePart(int descriptor, std::span<std::byte> scratch, uint64_t count);
};

}  // namespace godwit::server
