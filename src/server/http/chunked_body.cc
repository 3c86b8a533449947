#include "server/http/chunked_body.h"

#include <algorithm>

namespace godwit::server {
namespace {

// For one size line with its extensions, or for all trailers. Nobody needs more.
constexpr size_t kLineMaxBytes = 4096;
constexpr int kSizeDigitsMax = 15;  // Below 2^60: no sum overflows.

int HexValue(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const int letter = byte | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool IsText(unsigned char byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

}  // namespace

ParseOutcome ChunkedBody::Refuse(std::string_view message) {
  refusal_ = {400, message};
  return ParseOutcome::kRefused;
}

ParseOutcome ChunkedBody::Decode(std::string_view bytes, size_t* consumed, std::string* out) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::kData) {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(size_, bytes.size() - at));
      out->append(bytes.substr(at, count));
      at += count;
      size_ -= count;
      if (size_ == 0) state_ = State::kDataCr;
      continue;
    }
    const ParseOutcome outcome = TakeByte(static_cast<unsigned char>(bytes[at++]));
    if (outcome != ParseOutcome::kNeedMore) {
      *consumed = at;
      return outcome;
    }
  }
  *consumed = at;
  return ParseOutcome::kNeedMore;
}

ParseOutcome ChunkedBody::TakeSizeByte(unsigned char byte) {
  const int digit = HexValue(byte);
  if (digit >= 0) {
    if (++size_digits_ > kSizeDigitsMax) return Refuse("a chunk's size is too large");
    size_ = size_ * 16 + static_cast<uint64_t>(digit);
    return ParseOutcome::kNeedMore;
  }
  if (size_digits_ == 0 || (byte != ';' && byte != '\r')) {
    return Refuse("a chunk's size is no hexadecimal number");
  }
  state_ = byte == ';' ? State::kExtension : State::kSizeLf;
  return ParseOutcome::kNeedMore;
}

ParseOutcome ChunkedBody::TakeByte(unsigned char byte) {
  if (++line_bytes_ > kLineMaxBytes) {
    return Refuse("a chunk's size line or the trailer is too long");
  }
  switch (state_) {
    case State::kSize:
      return TakeSizeByte(byte);
    case State::kExtension:
      if (byte == '\r') {
        state_ = State::kSizeLf;
      } else if (!IsText(byte)) {
        return Refuse("a chunk's extension holds a control byte");
      }
      return ParseOutcome::kNeedMore;
    case State::kSizeLf:
      if (byte != '\n') return Refuse("a chunk's size line must end in CRLF");
      state_ = size_ == 0 ? State::kTrailerStart : State::kData;
      size_digits_ = 0;
      line_bytes_ = 0;
      return ParseOutcome::kNeedMore;
    case State::kData:
      break;  // Taken in bulk by Decode.
    case State::kDataCr:
      if (byte != '\r') return Refuse("a chunk of the body is longer than it said");
      state_ = State::kDataLf;
      return ParseOutcome::kNeedMore;
    case State::kDataLf:
      if (byte != '\n') return Refuse("a chunk must end in CRLF");
      state_ = State::kSize;
      line_bytes_ = 0;
      return ParseOutcome::kNeedMore;
    case State::kTrailerStart:
    case State::kTrailer:
      if (byte == '\r') {
        state_ = state_ == State::kTrailerStart ? State::kEndLf : State::kTrailerLf;
      } else if (!IsText(byte)) {
        return Refuse("the trailer behind the body holds a control byte");
      } else {
        state_ = State::kTrailer;
      }
      return ParseOutcome::kNeedMore;
    case State::kTrailerLf:
      if (byte != '\n') return Refuse("a trailer's line must end in CRLF");
      state_ = State::kTrailerStart;
      return ParseOutcome::kNeedMore;
    case State::kEndLf:
      if (byte != '\n') return Refuse("the body must end in CRLF");
      return ParseOutcome::kComplete;
  }
  return Refuse("the body's chunked coding is broken");
}

}  // namespace godwit::server
