// The path that every request takes: heads, refusals, chunked bodies, file conditions. A head
// must be judged the same whether it comes at once or byte by byte.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/chunked_body.h"
#include "server/http/file_reply.h"
#include "server/http/inflate.h"
#include "server/http/request_parser.h"

using godwit::server::ChunkedBody;
using godwit::server::HeadParser;
using godwit::server::ParseOutcome;

namespace {

constexpr size_t kHeadMaxBytes = 4096;

void CompareWithByteByByte(std::string_view bytes, ParseOutcome outcome, size_t size_bytes) {
  HeadParser parser(kHeadMaxBytes);
  size_t scanned = 0;
  for (size_t size = 1; size <= bytes.size(); ++size) {
    const ParseOutcome now = parser.Parse(bytes.substr(0, size), &scanned);
    if (now == ParseOutcome::kNeedMore) continue;
    if (now != outcome) std::abort();
    if (now == ParseOutcome::kComplete && parser.parsed().size_bytes != size_bytes) std::abort();
    return;
  }
  if (outcome != ParseOutcome::kNeedMore) std::abort();
}

void DecodeBody(std::string_view bytes) {
  ChunkedBody whole;
  std::string plain;
  size_t consumed = 0;
  const ParseOutcome outcome = whole.Decode(bytes, &consumed, &plain);
  if (consumed > bytes.size() || plain.size() > bytes.size()) std::abort();
  if (outcome != ParseOutcome::kComplete) return;
  ChunkedBody piecewise;
  std::string again, unread;
  for (size_t i = 0; i < consumed; ++i) {
    unread += bytes[i];
    size_t taken = 0;
    const ParseOutcome now = piecewise.Decode(unread, &taken, &again);
    unread.erase(0, taken);
    if (now == ParseOutcome::kRefused) std::abort();
  }
  if (again != plain) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)godwit::server::InflateGzip(bytes, 1 << 20);
  HeadParser parser(kHeadMaxBytes);
  for (;;) {
    bytes = HeadParser::SkipEmptyLines(bytes);
    if (bytes.empty()) return 0;
    size_t scanned = 0;
    const ParseOutcome outcome = parser.Parse(bytes, &scanned);
    const size_t size_bytes = outcome == ParseOutcome::kComplete ? parser.parsed().size_bytes : 0;
    if (outcome == ParseOutcome::kRefused && parser.refusal().status < 400) std::abort();
    if (bytes.size() <= kHeadMaxBytes) CompareWithByteByByte(bytes, outcome, size_bytes);
    if (outcome != ParseOutcome::kComplete) return 0;
    const godwit::server::RequestHead& head = parser.parsed().head;
    const auto reply = godwit::server::DecideFileReply(head, 1000, "\"tag\"");
    if (reply.offset + reply.size_bytes > 1000) std::abort();
    const bool chunked = head.chunked;
    bytes.remove_prefix(size_bytes);
    if (chunked) {
      DecodeBody(bytes);
      return 0;
    }
  }
}
