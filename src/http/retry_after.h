// Retry-After (RFC 9110, section 10.2.3), as seconds or as a date. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace godwit {

// However far away a server puts it, nobody waits longer than this.
inline constexpr int64_t kRetryAfterMaxMs = int64_t{24} * 3'600'000;

// How long to wait from now on, in milliseconds, at most kRetryAfterMaxMs. 0 when the text is
// empty, in the past, or neither of the two forms. A date is the preferred one of the three that
// HTTP knows: "Fri, 02 Jan 2026 03:04:05 GMT".
// now_ms: milliseconds since 1970 UTC.
int64_t ParseRetryAfterMs(std::string_view text, int64_t now_ms);

}  // namespace godwit
