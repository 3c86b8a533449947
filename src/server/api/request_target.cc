#include "server/api/request_target.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

constexpr size_t kPartsMax = 64;

Result<std::string> FormDecode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecode(spaced);
}

}  // namespace

Result<QueryParameters> QueryParameters::Parse(std::string_view query) {
  QueryParameters result;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(query.size(), end + 1));
    if (part.empty()) continue;
    if (result.parameters_.size() == kPartsMax) {
      return Status(StatusCode::kInvalidArgument, "the query has too many parameters");
    }
    const size_t equals = std::min(part.find('='), part.size());
    GODWIT_ASSIGN_OR_RETURN(std::string name, FormDecode(part.substr(0, equals)));
    GODWIT_ASSIGN_OR_RETURN(std::string value,
                            FormDecode(part.substr(std::min(part.size(), equals + 1))));
    result.parameters_.emplace_back(std::move(name), std::move(value));
  }
  return result;
}

std::optional<std::string_view> QueryParameters::Find(std::string_view name) const {
  for (const auto& [parameter, value] : parameters_) {
    if (parameter == name) return value;
  }
  return std::nullopt;
}

std::string_view QueryParameters::Get(std::string_view name, std::string_view other_name) const {
  const auto found = Find(name);
  return found ? *found : Get(other_name);
}

Result<RequestTarget> RequestTarget::Parse(const RequestHead& head) {
  RequestTarget target;
  std::string_view path = head.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    if (path.front() == '/') path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (target.segments.size() == kPartsMax) {
      return Status(StatusCode::kInvalidArgument, "the path has too many segments");
    }
    GODWIT_ASSIGN_OR_RETURN(std::string segment, PercentDecode(path.substr(0, end)));
    if (!IsPrintableUtf8(segment)) {
      return Status(StatusCode::kInvalidArgument,
                    "the path holds a control character or bytes that are no UTF-8");
    }
    target.segments.push_back(std::move(segment));
    path.remove_prefix(end);
  }
  GODWIT_ASSIGN_OR_RETURN(target.query, QueryParameters::Parse(head.query));
  return target;
}

std::string_view RequestTarget::At(size_t index) const {
  return index < segments.size() ? std::string_view(segments[index]) : std::string_view();
}

std::string_view RawQueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
    query.remove_prefix(std::min(query.size(), end + 1));
  }
  return {};
}

std::optional<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end || text.empty()) return std::nullopt;
  return value;
}

}  // namespace godwit::server
