#include "server/api/admin_messages.h"

#include <algorithm>

#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr int kPageSizeMax = 100;
constexpr std::string_view kDeletion = "done";

// "displayName" of "display_name".
std::string CamelCase(std::string_view path) {
  std::string camel;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool upper =
        path[i] == '_' && i + 1 < path.size() && path[i + 1] >= 'a' && path[i + 1] <= 'z';
    camel += upper ? static_cast<char>(path[++i] - 'a' + 'A') : path[i];
  }
  return camel;
}

}  // namespace

Result<Page> ReadPage(const QueryParameters& query) {
  const std::string_view text = query.Get("pageSize", "page_size");
  const auto size = ParseInt(text.empty() ? "0" : text);
  if (!size || *size < 0) {
    return Status(StatusCode::kInvalidArgument,
                  "pageSize must be a number from 1 to " + std::to_string(kPageSizeMax));
  }
  const int64_t wanted = *size == 0 ? kPageSizeMax : std::min<int64_t>(*size, kPageSizeMax);
  return Page{static_cast<int>(wanted), query.Get("pageToken", "page_token")};
}

Result<Json> ReadObject(const Request& request) {
  if (request.body.empty()) return Json::Object();
  GODWIT_ASSIGN_OR_RETURN(Json json, Json::Parse(request.body).WithContext("body of the request"));
  if (json.is_object()) return json;
  return Status(StatusCode::kInvalidArgument, "the body must be a JSON object");
}

Result<std::vector<std::string>> ReadMask(const QueryParameters& query,
                                          const std::vector<std::string_view>& known) {
  std::vector<std::string> paths;
  std::string_view mask = query.Get("updateMask", "update_mask");
  while (!mask.empty()) {
    const size_t end = std::min(mask.find(','), mask.size());
    std::string path = CamelCase(mask.substr(0, end));
    mask.remove_prefix(std::min(mask.size(), end + 1));
    if (std::find(known.begin(), known.end(), path) == known.end()) {
      return Status(StatusCode::kInvalidArgument, "updateMask: the field '" + path.substr(0, 100) +
                                                      "' is unknown or cannot be changed");
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

Response DoneOperation(std::string_view kind, std::string_view id, std::string_view type,
                       Json response) {
  Json typed = Json::Object({{"@type", type}});
  for (const auto& [name, value] : response.members()) typed.Set(name, value);
  return JsonResponse(
      200, Json::Object({{"name", "operations/" + std::string(kind) + "." + std::string(id)},
                         {"done", true},
                         {"response", std::move(typed)}}));
}

Response DoneDeletion() {
  return DoneOperation(kDeletion, "deleted", "type.googleapis.com/google.protobuf.Empty",
                       Json::Object());
}

bool SplitOperationName(std::string_view name, std::string_view* kind, std::string_view* id) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  *kind = name.substr(0, dot);
  *id = name.substr(dot + 1);
  return true;
}

}  // namespace godwit::server
