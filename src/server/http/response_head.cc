#include "server/http/response_head.h"

#include <array>

namespace godwit::server {
namespace {

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

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
      (*made)[static_cast<size_t>(status - kStatusFirst)] =
          "HTTP/1.1 " + std::to_string(status) + " " + std::string(Reason(status)) + "\r\n";
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
  for (const auto& [name, value] : response.headers) {
    if (name.empty() || name.find_first_of(kBreaks) != std::string::npos ||
        value.find_first_of(kBreaks) != std::string::npos) {
      return false;
    }
  }
  return true;
}

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace godwit::server
