// Range, Content-Range and Retry-After: whatever a peer sends, the answer stays inside the
// representation, and the wait inside its limit.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/range.h"
#include "http/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const uint64_t total_bytes = data[0] == 255 ? UINT64_MAX : data[0];
  const godwit::RangeDecision decision = godwit::DecideRange(text, total_bytes);
  if (decision.outcome == godwit::RangeOutcome::kPart &&
      (decision.range.first > decision.range.last || decision.range.last >= total_bytes)) {
    std::abort();
  }
  const auto range = godwit::ParseContentRange(text);
  if (range && range->first && range->last && range->total_bytes) {
    const godwit::ByteRange part{*range->first, *range->last};
    const std::string again = godwit::FormatContentRange(part, *range->total_bytes);
    const auto reread = godwit::ParseContentRange(again);
    if (!reread || reread->first != range->first || reread->total_bytes != range->total_bytes) {
      std::abort();
    }
  }
  const int64_t wait_ms = godwit::ParseRetryAfterMs(text, 1767323045000);
  if (wait_ms < 0 || wait_ms > godwit::kRetryAfterMaxMs) std::abort();
  return 0;
}
