#include "server/http/output.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace godwit::server {
namespace {

// After so many bytes of a file another connection gets its turn.
constexpr uint64_t kFairShareBytes = 2 << 20;

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

SendOutcome Output::Send(int descriptor, std::span<std::byte> scratch, uint64_t* sent_bytes) {
  const SendOutcome outcome = SendBytes(descriptor, sent_bytes);
  if (outcome != SendOutcome::kDone) return outcome;
  uint64_t share = kFairShareBytes;
  while (file_remaining > 0) {
    if (share == 0) return SendOutcome::kYield;
    const uint64_t asked = std::min(file_remaining, share);
    const int64_t sent = SendFilePart(descriptor, scratch, asked);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && WouldBlock()) return SendOutcome::kBlocked;
    if (sent <= 0) return SendOutcome::kFailed;  // 0: the file is shorter than it was.
    const auto count = static_cast<uint64_t>(sent);
    file_offset += count;
    file_remaining -= count;
    share -= count;
    *sent_bytes += count;
    // The socket took less than it was offered, so it is full: another try would only say so.
    if (count < asked && file->descriptor() >= 0) return SendOutcome::kBlocked;
  }
  return SendOutcome::kDone;
}

// Records are filled from all parts, so that a head and what follows it travel as one. What the
// kernel did not take is gathered again, the same to the byte, as TLS wants it: that is rare, and
// costs no memory while the client is slow.
SendOutcome Output::SendTls(TlsStream& tls, std::span<char> scratch, uint64_t* sent_bytes) {
  for (uint64_t share = 0; share < kFairShareBytes;) {
    const std::span<char> part = Gather(scratch);
    if (part.empty()) {
      const bool all = bytes_sent == bytes.size() + more_bytes.size() && file_remaining == 0;
      return all ? SendOutcome::kDone : SendOutcome::kFailed;  // Else the file cannot be read.
    }
    size_t count = 0;
    const TlsOutcome outcome = tls.Write({part.data(), part.size()}, &count);
    const size_t of_bytes = std::min(count, bytes.size() + more_bytes.size() - bytes_sent);
    bytes_sent += of_bytes;
    file_offset += count - of_bytes;
    file_remaining -= count - of_bytes;
    *sent_bytes += count;
    share += count;
    if (outcome == TlsOutcome::kWantWrite) return SendOutcome::kBlocked;
    if (outcome != TlsOutcome::kDone) return SendOutcome::kFailed;
  }
  return SendOutcome::kYield;
}

// What comes next, as much as fits into scratch.
std::span<char> Output::Gather(std::span<char> scratch) {
  size_t size = 0;
  const auto take = [&](std::string_view source, size_t skip) {
    const std::string_view rest = source.substr(std::min(skip, source.size()));
    const size_t count = std::min(rest.size(), scratch.size() - size);
    if (count == 0) return;  // memcpy takes no null.
    std::memcpy(scratch.data() + size, rest.data(), count);
    size += count;
  };
  take(bytes, bytes_sent);
  take(more_bytes, std::max(bytes_sent, bytes.size()) - bytes.size());
  const auto room = scratch.subspan(
      size, static_cast<size_t>(std::min<uint64_t>(scratch.size() - size, file_remaining)));
  if (!room.empty()) {
    const Result<size_t> read = file->ReadAt(file_offset, std::as_writable_bytes(room));
    size += read.ok() ? *read : 0;
  }
  return scratch.first(size);
}

SendOutcome Output::SendBytes(int descriptor, uint64_t* sent_bytes) {
  const size_t total = bytes.size() + more_bytes.size();
  while (bytes_sent < total) {
    iovec parts[2];
    size_t count = 0;
    if (bytes_sent < bytes.size()) {
      parts[count++] = {bytes.data() + bytes_sent, bytes.size() - bytes_sent};
    }
    const size_t of_more = std::max(bytes_sent, bytes.size()) - bytes.size();
    if (of_more < more_bytes.size()) {
      parts[count++] = {const_cast<char*>(more_bytes.data()) + of_more,
                        more_bytes.size() - of_more};
    }
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    // MSG_MORE: the head travels in one segment with the file's first bytes.
    const int flags = MSG_NOSIGNAL | (file_remaining > 0 ? MSG_MORE : 0);
    const ssize_t sent = ::sendmsg(descriptor, &message, flags);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return WouldBlock() ? SendOutcome::kBlocked : SendOutcome::kFailed;
    }
    bytes_sent += static_cast<size_t>(sent);
    *sent_bytes += static_cast<uint64_t>(sent);
  }
  return SendOutcome::kDone;
}

// As ::send: the count, or -1 with errno.
int64_t Output::SendFilePart(int descriptor, std::span<std::byte> scratch, uint64_t count) {
  const int source = file->descriptor();
  if (source >= 0) {
    off_t offset = static_cast<off_t>(file_offset);
    return ::sendfile(descriptor, source, &offset, static_cast<size_t>(count));
  }
  const auto part = scratch.first(static_cast<size_t>(std::min<uint64_t>(scratch.size(), count)));
  const Result<size_t> read = file->ReadAt(file_offset, part);
  if (!read.ok() || *read == 0) return 0;
  return ::send(descriptor, part.data(), *read, MSG_NOSIGNAL);
}

}  // namespace godwit::server
