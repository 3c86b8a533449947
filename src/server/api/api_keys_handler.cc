#include "server/api/api_keys_handler.h"

#include <algorithm>

#include "base/time_format.h"
#include "server/access/api_keys.h"
#include "server/api/admin_messages.h"
#include "server/api/authentication.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr std::string_view kType = "type.googleapis.com/google.api.apikeys.v2.Key";

std::string ParentOf(int64_t project_number) {
  return "projects/" + std::to_string(project_number) + "/locations/global";
}

Json KeyJson(const ApiKeyInfo& info) {
  Json json = Json::Object({{"name", ParentOf(info.project_number) + "/keys/" + info.id},
                            {"uid", info.id},
                            {"createTime", FormatTimeMicros(info.created_ms)},
                            {"updateTime", FormatTimeMicros(info.updated_ms)}});
  if (!info.settings.display_name.empty()) json.Set("displayName", info.settings.display_name);
  Json restrictions = info.settings.restrictions.ToJson();
  if (!restrictions.members().empty()) json.Set("restrictions", std::move(restrictions));
  return json;
}

// The fields of the body that the mask names; without a mask, those that it has.
Result<ApiKeyChange> ReadChange(const Json& body, const std::vector<std::string>& mask) {
  const auto takes = [&](const char* name) {
    return mask.empty() ? body.Has(name) : std::find(mask.begin(), mask.end(), name) != mask.end();
  };
  ApiKeyChange change;
  if (takes("displayName")) {
    change.display_name.emplace();
    GODWIT_RETURN_IF_ERROR(body.ReadString("displayName", &*change.display_name));
  }
  if (takes("restrictions")) {
    GODWIT_ASSIGN_OR_RETURN(change.restrictions, KeyRestrictions::FromJson(body["restrictions"]));
  }
  return change;
}

Result<Response> Create(const ApiServices& services, const Request& request, const Principal& by) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(request));
  GODWIT_ASSIGN_OR_RETURN(ApiKeyChange change, ReadChange(body, {}));
  ApiKeySettings settings;
  settings.display_name = std::move(change.display_name).value_or("");
  settings.restrictions = std::move(change.restrictions).value_or(KeyRestrictions());
  GODWIT_ASSIGN_OR_RETURN(const CreatedApiKey created,
                          ApiKeys(services.access).Create(by, settings));
  services.logger.Info("API key created", {{"id", created.info.id}, {"by", by.email}});
  Json key = KeyJson(created.info);
  key.Set("keyString", created.key);
  return WithoutStore(DoneOperation("key", created.info.id, kType, std::move(key)));
}

Result<Response> List(const ApiServices& services, const Principal& by,
                      const QueryParameters& query) {
  GODWIT_ASSIGN_OR_RETURN(const Page page, ReadPage(query));
  GODWIT_ASSIGN_OR_RETURN(std::vector<ApiKeyInfo> found,
                          ApiKeys(services.access).List(by, page.after, page.size + 1));
  Json body = Json::Object();
  if (found.size() > static_cast<size_t>(page.size)) {
    found.pop_back();
    body.Set("nextPageToken", found.back().id);
  }
  Json keys = Json::Array();
  for (const ApiKeyInfo& info : found) keys.Add(KeyJson(info));
  body.Set("keys", std::move(keys));
  return JsonResponse(200, body);
}

Result<Response> Patch(const ApiServices& services, const Request& request,
                       const QueryParameters& query, const Principal& by, std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(const auto mask, ReadMask(query, {"displayName", "restrictions"}));
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(request));
  GODWIT_ASSIGN_OR_RETURN(const ApiKeyChange change, ReadChange(body, mask));
  GODWIT_ASSIGN_OR_RETURN(const ApiKeyInfo info, ApiKeys(services.access).Update(by, id, change));
  services.logger.Info("API key changed", {{"id", info.id}, {"by", by.email}});
  return DoneOperation("key", info.id, kType, KeyJson(info));
}

Result<Response> Delete(const ApiServices& services, const Principal& by, std::string_view id) {
  GODWIT_RETURN_IF_ERROR(ApiKeys(services.access).Delete(by, id));
  services.logger.Info("API key deleted", {{"id", id}, {"by", by.email}});
  return DoneDeletion();
}

// Which key is it? For one that was found where it should not be.
Result<Response> LookUp(const ApiServices& services, const RequestHead& head,
                        const QueryParameters& query) {
  GODWIT_RETURN_IF_ERROR(Authenticate(services, head).status());
  const auto snapshot = services.access.snapshot();
  const ApiKey* const key = snapshot->FindApiKey(query.Get("keyString"));
  if (key == nullptr) return Status(StatusCode::kNotFound, "no project here has this API key");
  const std::string project = std::to_string(key->project_number);
  GODWIT_RETURN_IF_ERROR(AuthorizeProject(services, head, project, Role::kViewer).status());
  const std::string parent = ParentOf(key->project_number);
  return JsonResponse(200,
                      Json::Object({{"parent", parent}, {"name", parent + "/keys/" + key->id}}));
}

Result<Response> Route(const ApiServices& services, const Request& request,
                       const RequestTarget& target) {
  const Method method = request.head.method;
  const size_t depth = target.segments.size();
  if (target.At(1) == "keys:lookupKey") {
    if (depth == 2 && method == Method::kGet) return LookUp(services, request.head, target.query);
    return NoSuchMethod();
  }
  if (target.At(3) != "locations" || target.At(4) != "global" || target.At(5) != "keys") {
    return NoSuchMethod();
  }
  const Role needed = RoleFor(method) == Role::kViewer ? Role::kViewer : Role::kAdmin;
  GODWIT_ASSIGN_OR_RETURN(const Principal by,
                          AuthorizeProject(services, request.head, target.At(2), needed));
  const std::string_view id = target.At(6);
  if (depth == 6 && method == Method::kPost) return Create(services, request, by);
  if (depth == 6 && method == Method::kGet) return List(services, by, target.query);
  if (depth == 7 && method == Method::kPatch) {
    return Patch(services, request, target.query, by, id);
  }
  if (depth == 7 && method == Method::kDelete) return Delete(services, by, id);
  if (method != Method::kGet || depth < 7) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const ApiKeyInfo info, ApiKeys(services.access).Find(by, id));
  if (depth == 7) return JsonResponse(200, KeyJson(info));
  if (depth == 8 && target.At(7) == "keyString") {
    return Status(StatusCode::kFailedPrecondition,
                  "the server keeps a key's hash alone, so it cannot be shown again; make a new "
                  "key and delete this one");
  }
  return NoSuchMethod();
}

}  // namespace

Response HandleApiKeysRequest(const ApiServices& services, const Request& request,
                              const RequestTarget& target) {
  auto response = Route(services, request, target);
  return response.ok() ? *std::move(response) : ErrorResponse(response.status());
}

}  // namespace godwit::server
