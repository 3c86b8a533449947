// Request bodies that came compressed. The only door to zlib.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::server {

// The plain bytes of a gzip body (one or more members). kOutOfRange when they are more than
// max_bytes (memory beyond that is never taken, whatever the ratio), kInvalidArgument when the
// bytes are no whole gzip file.
Result<std::string> InflateGzip(std::string_view gzip, uint64_t max_bytes);

}  // namespace godwit::server
