// Requests and responses as handlers see them. No third-party type.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fs/file_system.h"

namespace godwit::server {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };

// A parsed request head. On the loop its views point into the connection's buffer and live for
// the call only; Request::head on a worker points into memory that the Request owns.
struct RequestHead {
  Method method = Method::kGet;
  std::string_view target;  // As sent: path and query.
  std::string_view path;    // Not decoded.
  std::string_view query;   // After '?', not decoded; empty when there is none.
  std::string_view host;    // The Host header.
  struct Header {
    std::string_view name;
    std::string_view value;
  };
  std::span<const Header> headers;
  std::optional<uint64_t> content_length;  // Absent when chunked or when there is no body.
  bool chunked = false;
  bool secure = false;    // Came over TLS.
  std::string_view peer;  // The client's address without its port.

  // The first value by case-insensitive name; empty when absent.
  std::string_view Find(std::string_view name) const;
};

// A request handed to a worker with its whole body (already de-chunked; inflated when it came
// with Content-Encoding: gzip).
struct Request {
  RequestHead head;
  std::string body;
};

// A file to serve by sendfile. The server adds Content-Length, Accept-Ranges, ETag, and honours
// Range, If-Range, If-Match, If-None-Match and HEAD.
struct FileBody {
  std::shared_ptr<File> file;
  uint64_t size_bytes = 0;
  std::string etag;  // Strong, with its quotes.
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Without Content-Length and Date.
  std::variant<std::string, FileBody> body;
  bool close_connection = false;
  // Called once if the kernel never took the whole response: the client went away, or was too slow,
  // or the server stopped. (Whether the client read what the kernel took, nobody here can know.)
  // Runs on a loop, on a worker or where the server is destroyed; must not block or throw.
  std::function<void()> on_unsent = nullptr;
};

// What a fast handler answers: bytes made beforehand, kept alive by `owner` until they are sent.
// `after_date` is everything behind the status line and the Date header: the other headers
// (each ending in CRLF), the empty line, the body.
struct FastReply {
  int status = 200;
  std::string_view after_date;
  std::shared_ptr<const void> owner;
  // Or a file (then after_date holds extra headers only, each ending in CRLF, no empty line).
  std::shared_ptr<File> file;
  uint64_t file_size_bytes = 0;
  std::string_view file_etag;  // Kept alive by owner.
};

}  // namespace godwit::server
