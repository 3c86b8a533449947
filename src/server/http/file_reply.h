// What a request gets of a file: all of it, a part, or a reason why not.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/http/message.h"

namespace godwit::server {

struct FileReply {
  int status = 200;  // 200, 206, 304, 412, 416.
  uint64_t offset = 0;
  uint64_t size_bytes = 0;  // To send; what Content-Length says. 0 for 304, 412 and 416.
};

// Judges If-Match, If-None-Match, Range and If-Range in the order of RFC 9110, section 13.2.2.
// etag: strong, with its quotes. Allocates nothing.
FileReply DecideFileReply(const RequestHead& head, uint64_t file_size_bytes, std::string_view etag);

// Whether a list of entity tags ("*", or quoted or bare ones, some with W/) names etag. Strong
// comparison (If-Match) lets no weak tag match.
enum class TagComparison { kStrong, kWeak };
bool TagListMatches(std::string_view list, std::string_view etag, TagComparison comparison);

// The headers that go with it, each ending in CRLF: Content-Length (with 200, 206 and the empty
// 412 and 416), Accept-Ranges, ETag, Content-Range. Writes at most kFileHeadersMaxBytes plus the
// tag's size to out; returns the end.
inline constexpr size_t kFileHeadersMaxBytes = 256;
char* WriteFileHeaders(const FileReply& reply, uint64_t file_size_bytes, std::string_view etag,
                       char* out);

}  // namespace godwit::server
