// Range and Content-Range, parsed once for the device's resume and the server's blobs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit {

// Bytes first to last, inclusive, of a representation of total_bytes.
struct ByteRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t size_bytes() const { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

enum class RangeOutcome {
  kWhole,          // No usable range: answer 200 with everything (RFC 9110, section 14.2).
  kPart,           // One satisfiable range: 206.
  kUnsatisfiable,  // 416 with "bytes */total".
};

struct RangeDecision {
  RangeOutcome outcome = RangeOutcome::kWhole;
  ByteRange range;
};

// Decides on a Range header's value. Several ranges count as none. Allocates nothing.
RangeDecision DecideRange(std::string_view range_header, uint64_t total_bytes);

// A Content-Range value: "bytes a-b/total", "bytes a-b/*", "bytes */total", "bytes */*" and
// the open "bytes a-*/*" that Google's Node uploader sends.
struct ContentRange {
  std::optional<uint64_t> first;
  std::optional<uint64_t> last;
  std::optional<uint64_t> total_bytes;
};

// nullopt when the text is none of these forms, or last < first, or last >= total.
std::optional<ContentRange> ParseContentRange(std::string_view text);

// "bytes 5-9/10".
std::string FormatContentRange(const ByteRange& range, uint64_t total_bytes);

}  // namespace godwit
