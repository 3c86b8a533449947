#include "server/http/file_reply.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/range.h"
#include "server/http/header_text.h"

namespace godwit::server {
namespace {

char* WriteText(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* WriteNumber(uint64_t number, char* out) {
  return std::to_chars(out, out + 20, number).ptr;  // 20 digits hold every 64-bit number.
}

}  // namespace

bool TagListMatches(std::string_view list, std::string_view etag, TagComparison comparison) {
  list = TrimBlanks(list);
  if (list == "*") return true;
  while (!list.empty()) {
    if (list.front() == ',' || list.front() == ' ' || list.front() == '\t') {
      list.remove_prefix(1);
      continue;
    }
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    // Google's client for Python sends the tag as JSON has it, without the quotes.
    const bool quoted = list.starts_with('"');
    const size_t end =
        quoted ? list.find('"', 1) : std::min(list.find_first_of(", \t"), list.size());
    if (end == std::string_view::npos) return false;  // Not a list of tags.
    const std::string_view tag = list.substr(quoted, end - quoted);
    const bool usable = !weak || comparison == TagComparison::kWeak;
    if (usable && !etag.empty() && tag == etag.substr(1, etag.size() - 2)) return true;
    list.remove_prefix(end + quoted);
  }
  return false;
}

FileReply DecideFileReply(const RequestHead& head, uint64_t file_size_bytes,
                          std::string_view etag) {
  const bool reads = head.method == Method::kGet || head.method == Method::kHead;
  std::string_view if_match, if_none_match, if_range, range;
  for (const RequestHead::Header& header : head.headers) {
    // One pass over the headers, told apart by length first: blobs are asked for often.
    switch (header.name.size()) {
      case 5:
        if (range.empty() && EqualsIgnoringCase(header.name, "Range")) range = header.value;
        break;
      case 8:
        if (EqualsIgnoringCase(header.name, "If-Match")) {
          if_match = header.value;
        } else if (EqualsIgnoringCase(header.name, "If-Range")) {
          if_range = header.value;
        }
        break;
      case 13:
        if (EqualsIgnoringCase(header.name, "If-None-Match")) if_none_match = header.value;
        break;
      default:
        break;
    }
  }
  if (!if_match.empty() && !TagListMatches(if_match, etag, TagComparison::kStrong)) {
    return {412, 0, 0};
  }
  if (!if_none_match.empty() && TagListMatches(if_none_match, etag, TagComparison::kWeak)) {
    return {reads ? 304 : 412, 0, 0};
  }
  const FileReply whole{200, 0, file_size_bytes};
  if (range.empty() || head.method != Method::kGet) return whole;
  // If-Range holds one tag, or a date, which never matches: a blob has no date.
  if (!if_range.empty() && TrimBlanks(if_range) != etag) return whole;
  const RangeDecision decision = DecideRange(range, file_size_bytes);
  switch (decision.outcome) {
    case RangeOutcome::kWhole:
      return whole;
    case RangeOutcome::kPart:
      return {206, decision.range.first, decision.range.size_bytes()};
    case RangeOutcome::kUnsatisfiable:
      return {416, 0, 0};
  }
  return whole;
}

char* WriteFileHeaders(const FileReply& reply, uint64_t file_size_bytes, std::string_view etag,
                       char* out) {
  if (reply.status != 304) {
    out = WriteText("Content-Length: ", out);
    out = WriteNumber(reply.size_bytes, out);
    out = WriteText("\r\n", out);
  }
  out = WriteText("Accept-Ranges: bytes\r\n", out);
  if (!etag.empty()) {
    out = WriteText("ETag: ", out);
    out = WriteText(etag, out);
    out = WriteText("\r\n", out);
  }
  if (reply.status == 206) {
    out = WriteText("Content-Range: bytes ", out);
    out = WriteNumber(reply.offset, out);
    out = WriteText("-", out);
    out = WriteNumber(reply.offset + reply.size_bytes - 1, out);
    out = WriteText("/", out);
    out = WriteNumber(file_size_bytes, out);
    out = WriteText("\r\n", out);
  } else if (reply.status == 416) {
    out = WriteText("Content-Range: bytes */", out);
    out = WriteNumber(file_size_bytes, out);
    out = WriteText("\r\n", out);
  }
  return out;
}

}  // namespace godwit::server
