// Reading requests off the wire: Beast's parser, and everything that it lets pass and we refuse.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "server/http/message.h"

namespace godwit::server {

// A request that is answered by the server itself. `message` is a constant.
struct Refusal {
  int status = 0;  // 0: not refused.
  std::string_view message;
};

struct ParsedHead {
  RequestHead head;       // Views into the parsed bytes and into the parser.
  size_t size_bytes = 0;  // Of the head, with the empty line that ends it.
  bool http_1_1 = true;
  bool keep_alive = true;
  bool expects_continue = false;
};

enum class ParseOutcome { kNeedMore, kComplete, kRefused };

// Parses request heads, one after the other. Not thread-safe; one serves a whole loop.
// Allocates nothing.
class HeadParser {
 public:
  static constexpr size_t kHeadersMax = 100;

  explicit HeadParser(size_t head_max_bytes) : head_max_bytes_(head_max_bytes) {}

  // Without the empty lines before a request, which RFC 9112, section 2.2 wants ignored.
  static std::string_view SkipEmptyLines(std::string_view bytes) {
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    return bytes;
  }

  // REQUIRES: bytes is not empty, and does not start with CRLF. *scanned is 0 for a new head; on
  // kNeedMore it is where to go on when the same bytes come again with more behind them, so that a
  // head that arrives byte by byte costs no more than one that comes at once.
  ParseOutcome Parse(std::string_view bytes, size_t* scanned);

  // After kComplete; valid until the next Parse or until the bytes go.
  const ParsedHead& parsed() const { return parsed_; }
  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  class BeastHead;

  ParseOutcome Refuse(int status, std::string_view message);
  ParseOutcome FindEnd(std::string_view bytes, size_t* scanned, size_t* size_bytes);
  Refusal CheckFraming(const BeastHead& beast);
  Refusal CheckTarget();
  Refusal CheckHost(const BeastHead& beast);

  const size_t head_max_bytes_;
  ParsedHead parsed_;
  Refusal refusal_;
  std::array<RequestHead::Header, kHeadersMax> headers_;
};

}  // namespace godwit::server
