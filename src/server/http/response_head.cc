#include "server/http/response_head.h"

#include <array>

namespace godwit::server {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

// google.rpc's name for what the server itself may answer.
std::string_view RpcName(int status) {
  switch (status) {
    case 404:
      return "NOT_FOUND";
    case 408:
      return "DEADLINE_EXCEEDED";
    case 412:
      return "FAILED_PRECONDITION";
    case 416:
      return "OUT_OF_RANGE";
    case 500:
      return "INTERNAL";
    case 501:
      return "UNIMPLEMENTED";
    case 503:
      return "UNAVAILABLE";
    case 505:
      return "UNIMPLEMENTED";
    default:
      return "INVALID_ARGUMENT";
  }
}

constexpr int kStatusFirst = 100;
constexpr int kStatusEnd = 600;

using StatusLines = std::array<std::string, kStatusEnd - kStatusFirst>;

const StatusLines& AllStatusLines() {
  static const StatusLines* const lines = [] {
    auto* made = new StatusLines();  // Never freed: loops may answer until the process ends.
    for (int status = kStatusFirst; status < kStatusEnd; ++status) {
      std::string line = "HTTP/1.1 " + std::to_string(status) + " ";
      for (const Phrase& phrase : kPhrases) {
        if (phrase.status == status) line += phrase.text;
      }
      (*made)[static_cast<size_t>(status - kStatusFirst)] = line + "\r\n";
    }
    return made;
  }();
  return *lines;
}

std::string JsonEscaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else if (byte < 0x20) {
      escaped += "\\u00";
      escaped += kHex[byte >> 4];
      escaped += kHex[byte & 15];
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string_view StatusLine(int status) {
  if (status < kStatusFirst || status >= kStatusEnd) status = 500;
  return AllStatusLines()[static_cast<size_t>(status - kStatusFirst)];
}

std::string_view ContinueLine() { return "HTTP/1.1 100 Continue\r\n\r\n"; }

Response ErrorResponse(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json; charset=UTF-8");
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  response.body = "{\"error\":{\"code\":" + std::to_string(status) + ",\"message\":\"" +
                  JsonEscaped(message) + "\",\"status\":\"" + std::string(RpcName(status)) +
                  "\"}}\n";
  return response;
}

bool HeadersAreSafe(const Response& response) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  size_t size_bytes = 0;
  for (const auto& [name, value] : response.headers) {
    size_bytes += name.size() + value.size() + 4;  // With ": " and CRLF.
    if (name.empty() || name.find_first_of(kBreaks) != std::string::npos ||
        value.find_first_of(kBreaks) != std::string::npos) {
      return false;
    }
  }
  return size_bytes <= kHeadersMaxBytes;
}

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace godwit::server
