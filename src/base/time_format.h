// Instants as text, in the two exact forms that Firebase's clients parse.
#pragma once

#include <cstdint>
#include <string>

namespace godwit {

// "2026-01-02T03:04:05.678000Z": six digits, as Model.createTime must have
// (Python's parser refuses none and nine). time_ms: milliseconds since 1970 UTC.
std::string FormatTimeMicros(int64_t time_ms);

// "2026-01-02T03:04:05.678Z": exactly three digits, as expireTime must have
// (Android reads the fraction as a count of milliseconds).
std::string FormatTimeMillis(int64_t time_ms);

// "Fri, 02 Jan 2026 03:04:05 GMT": the Date header's form (RFC 9110, section 5.6.7).
std::string FormatHttpDate(int64_t time_ms);

// Reads "2026-01-02T03:04:05[.fraction]Z"; returns -1 if the text is anything else.
int64_t ParseTimeMs(const std::string& text);

}  // namespace godwit
