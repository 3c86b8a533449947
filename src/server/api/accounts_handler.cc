#include "server/api/accounts_handler.h"

#include "base/time_format.h"
#include "crypto/crypto.h"
#include "server/access/service_accounts.h"
#include "server/api/admin_messages.h"
#include "server/api/authentication.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

struct Call {
  const ApiServices& services;
  const Request& request;
  const RequestTarget& target;
  Principal by;
  std::string project_id;
};

std::string NameOf(const Call& call, std::string_view email) {
  return "projects/" + call.project_id + "/serviceAccounts/" + std::string(email);
}

Json AccountJson(const Call& call, const ServiceAccount& account) {
  Json json = Json::Object({{"name", NameOf(call, account.email)},
                            {"projectId", call.project_id},
                            {"uniqueId", account.client_id},
                            {"email", account.email},
                            {"oauth2ClientId", account.client_id},
                            {"role", RoleName(account.role)}});
  if (!account.display_name.empty()) json.Set("displayName", account.display_name);
  return json;
}

Json KeyJson(const Call& call, std::string_view email, std::string_view key_id,
             int64_t created_ms) {
  return Json::Object({{"name", NameOf(call, email) + "/keys/" + std::string(key_id)},
                       {"keyAlgorithm", "KEY_ALG_RSA_2048"},
                       {"keyOrigin", "GOOGLE_PROVIDED"},
                       {"keyType", "USER_MANAGED"},
                       {"validAfterTime", FormatTimeMicros(created_ms)},
                       {"validBeforeTime", "9999-12-31T23:59:59Z"}});
}

Result<Response> Create(const Call& call) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(call.request));
  const Json& account = body["serviceAccount"];
  std::string name, display_name, role_name(RoleName(Role::kViewer));
  GODWIT_RETURN_IF_ERROR(body.ReadString("accountId", &name));
  GODWIT_RETURN_IF_ERROR(account.ReadString("displayName", &display_name));
  GODWIT_RETURN_IF_ERROR(account.ReadString("role", &role_name));
  const auto role = ParseRole(role_name);
  if (!role) {
    return Status(StatusCode::kInvalidArgument,
                  "serviceAccount.role must be viewer, editor, admin or owner");
  }
  GODWIT_ASSIGN_OR_RETURN(
      const ServiceAccount created,
      ServiceAccounts(call.services.access).Create(call.by, name, display_name, *role));
  call.services.logger.Info(
      "service account created",
      {{"email", created.email}, {"role", RoleName(*role)}, {"by", call.by.email}});
  return JsonResponse(200, AccountJson(call, created));
}

Result<Response> List(const Call& call) {
  GODWIT_ASSIGN_OR_RETURN(const Page page, ReadPage(call.target.query));
  GODWIT_ASSIGN_OR_RETURN(
      std::vector<ServiceAccount> found,
      ServiceAccounts(call.services.access).List(call.by, page.after, page.size + 1));
  Json body = Json::Object();
  if (found.size() > static_cast<size_t>(page.size)) {
    found.pop_back();
    body.Set("nextPageToken", found.back().email);
  }
  Json accounts = Json::Array();
  for (const ServiceAccount& account : found) accounts.Add(AccountJson(call, account));
  body.Set("accounts", std::move(accounts));
  return JsonResponse(200, body);
}

Result<Response> Delete(const Call& call, std::string_view email) {
  GODWIT_RETURN_IF_ERROR(ServiceAccounts(call.services.access).Delete(call.by, email));
  call.services.logger.Info("service account deleted", {{"email", email}, {"by", call.by.email}});
  return JsonResponse(200, Json::Object());
}

Result<Response> CreateKey(const Call& call, std::string_view email) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(call.request));
  for (const auto& [field, offered] : {std::pair{"privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE"},
                                       std::pair{"keyAlgorithm", "KEY_ALG_RSA_2048"}}) {
    std::string wanted;
    GODWIT_RETURN_IF_ERROR(body.ReadString(field, &wanted));
    if (!wanted.empty() && wanted != offered && !wanted.ends_with("_UNSPECIFIED")) {
      return Status(StatusCode::kInvalidArgument,
                    std::string("the only ") + field + " offered is " + offered);
    }
  }
  GODWIT_ASSIGN_OR_RETURN(const NewAccountKey key,
                          ServiceAccounts(call.services.access).CreateKey(call.by, email));
  call.services.logger.Info("service account key created",
                            {{"email", email}, {"key", key.id}, {"by", call.by.email}});
  Json json = KeyJson(call, email, key.id, key.created_ms);
  json.Set("privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE")
      .Set("privateKeyData", Base64Encode(AsBytes(key.key_file_json)));
  return WithoutStore(JsonResponse(200, json));
}

Result<Response> Keys(const Call& call, std::string_view email, std::string_view key_id) {
  const Method method = call.request.head.method;
  if (key_id.empty() && method == Method::kPost) return CreateKey(call, email);
  ServiceAccounts accounts(call.services.access);
  if (method == Method::kGet) {
    GODWIT_ASSIGN_OR_RETURN(const auto keys, accounts.ListKeys(call.by, email));
    Json list = Json::Array();
    for (const AccountKeyInfo& key : keys) {
      Json json = KeyJson(call, email, key.id, key.created_ms);
      if (key.id == key_id) return JsonResponse(200, json);
      list.Add(std::move(json));
    }
    if (key_id.empty()) return JsonResponse(200, Json::Object({{"keys", std::move(list)}}));
    return Status(StatusCode::kNotFound,
                  "the account has no such key; list its keys to see their ids");
  }
  if (method != Method::kDelete || key_id.empty()) return NoSuchMethod();
  GODWIT_RETURN_IF_ERROR(accounts.DeleteKey(call.by, email, key_id));
  call.services.logger.Info("service account key deleted",
                            {{"email", email}, {"key", key_id}, {"by", call.by.email}});
  return JsonResponse(200, Json::Object());
}

// "-" stands for the project in the account's address.
std::string_view ProjectOf(const RequestTarget& target) {
  const std::string_view named = target.At(2);
  std::string_view email = target.At(4);
  if (named != "-" || email.empty()) return named;
  email.remove_prefix(std::min(email.size(), email.find('@') + 1));
  return email.substr(0, email.find('.'));
}

Result<Response> Route(const ApiServices& services, const Request& request,
                       const RequestTarget& target) {
  const Method method = request.head.method;
  const Role needed = RoleFor(method) == Role::kViewer ? Role::kViewer : Role::kAdmin;
  GODWIT_ASSIGN_OR_RETURN(Principal by,
                          AuthorizeProject(services, request.head, ProjectOf(target), needed));
  const auto snapshot = services.access.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  const Call call{services, request, target, std::move(by), project->id};
  const size_t depth = target.segments.size();
  const std::string_view email = target.At(4);
  if (depth == 4 && method == Method::kPost) return Create(call);
  if (depth == 4 && method == Method::kGet) return List(call);
  if (depth == 5 && method == Method::kDelete) return Delete(call, email);
  if (depth == 5 && method == Method::kGet) {
    GODWIT_ASSIGN_OR_RETURN(const ServiceAccount account,
                            ServiceAccounts(services.access).Find(call.by, email));
    return JsonResponse(200, AccountJson(call, account));
  }
  if ((depth == 6 || depth == 7) && target.At(5) == "keys") {
    return Keys(call, email, target.At(6));
  }
  return NoSuchMethod();
}

}  // namespace

Response HandleAccountsRequest(const ApiServices& services, const Request& request,
                               const RequestTarget& target) {
  auto response = Route(services, request, target);
  return response.ok() ? *std::move(response) : ErrorResponse(response.status());
}

}  // namespace godwit::server
