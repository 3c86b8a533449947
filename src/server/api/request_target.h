// RequestTarget: a request's path and query, decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/http/message.h"

namespace godwit::server {

// The parameters of a query, or of a form: '+' is a space.
class QueryParameters {
 public:
  // At most 64; kInvalidArgument for more or for a broken escape.
  static Result<QueryParameters> Parse(std::string_view query);

  // The first value by name; nullopt when absent.
  std::optional<std::string_view> Find(std::string_view name) const;
  // The same, empty when absent.
  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }
  // The first of two spellings that is there.
  std::string_view Get(std::string_view name, std::string_view other_name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct RequestTarget {
  // "/a/b%2Fc/" is {"a", "b/c"}: split first, so that an encoded slash stays in its segment.
  std::vector<std::string> segments;
  QueryParameters query;

  // At most 64 segments; kInvalidArgument for more, for a broken escape, and for a segment that is
  // no printable UTF-8.
  static Result<RequestTarget> Parse(const RequestHead& head);

  // The segment, or an empty text past the end.
  std::string_view At(size_t index) const;
};

// The raw value of a query parameter, not decoded; empty when absent. Allocates nothing.
std::string_view RawQueryValue(std::string_view query, std::string_view name);

// An int64 in decimal digits, with an optional '-'; nullopt otherwise.
std::optional<int64_t> ParseInt(std::string_view text);

}  // namespace godwit::server
