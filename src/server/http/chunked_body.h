// The chunked transfer coding (RFC 9112, section 7.1), read strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/request_parser.h"

namespace godwit::server {

// Takes the coding off one body, in pieces of any size. Not thread-safe.
// Beast's parser does this, too, but runs into an assertion of its own when an empty body's last
// bytes arrive one by one, so any client could have ended the server.
class ChunkedBody {
 public:
  // Appends the body's bytes in `bytes` to *out. *consumed is all of `bytes`, but on kComplete
  // where the body ended. Extensions and trailers are dropped.
  ParseOutcome Decode(std::string_view bytes, size_t* consumed, std::string* out);

  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class State : uint8_t {
    kSize,       // Hexadecimal digits, at least one.
    kExtension,  // From ';' to the CR.
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,  // Of a line: a CR here is the end.
    kTrailer,
    kTrailerLf,
    kEndLf,
  };

  ParseOutcome Refuse(std::string_view message);
  ParseOutcome TakeByte(unsigned char byte);
  ParseOutcome TakeSizeByte(unsigned char byte);

  State state_ = State::kSize;
  int size_digits_ = 0;
  uint64_t size_ = 0;  // Of the chunk; what is left of it in kData.
  size_t line_bytes_ = 0;
  Refusal refusal_;
};

}  // namespace godwit::server
