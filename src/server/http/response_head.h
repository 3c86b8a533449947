// The words of a response's head, and the errors that the server answers by itself.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace godwit::server {

// "HTTP/1.1 304 Not Modified\r\n". A status without a phrase of its own gets an empty one.
std::string_view StatusLine(int status);

// "HTTP/1.1 100 Continue\r\n\r\n".
std::string_view ContinueLine();

// Firebase's envelope: {"error":{"code":…,"message":…,"status":…}}, and Retry-After with 503.
// message: a sentence for a person; any text.
Response ErrorResponse(int status, std::string_view message);

// False when a name or value would break out of its line (CR, LF, NUL), or when all together are
// larger than kHeadersMaxBytes.
inline constexpr size_t kHeadersMaxBytes = 32 << 10;
bool HeadersAreSafe(const Response& response);

// Whether a response of that status has a body at all.
bool StatusHasBody(int status);

}  // namespace godwit::server
