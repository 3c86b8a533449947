#include "server/api/admin_routes.h"

#include "server/api/accounts_handler.h"
#include "server/api/admin_messages.h"
#include "server/api/api_keys_handler.h"
#include "server/api/apps_handler.h"
#include "server/api/authentication.h"
#include "server/api/projects_handler.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

// Every operation was done when it was answered, so what it made is its outcome.
Result<Response> GetOperation(const ApiServices& services, const RequestHead& head,
                              std::string_view name) {
  GODWIT_RETURN_IF_ERROR(Authenticate(services, head).status());
  std::string_view kind, id;
  if (SplitOperationName(name, &kind, &id)) {
    if (kind == "app") return AppOperation(services, head, id);
    if (kind == "project") return ProjectOperation(services, head, id);
    if (kind == "done") return DoneDeletion();
  }
  return Status(StatusCode::kNotFound, "there is no such operation");
}

}  // namespace

std::optional<Response> HandleAdminRequest(const ApiServices& services, const Request& request,
                                           const RequestTarget& target) {
  const std::string_view version = target.At(0);
  const bool known = version == "v1" || version == "v1beta1" || version == "v2";
  if (known && target.At(1) == "operations" && target.segments.size() == 3 &&
      request.head.method == Method::kGet) {
    auto response = GetOperation(services, request.head, target.At(2));
    return response.ok() ? *std::move(response) : ErrorResponse(response.status());
  }
  if (version == "v2") return HandleApiKeysRequest(services, request, target);
  if (target.At(1) != "projects") return std::nullopt;
  if (version == "v1beta1") return HandleAppsRequest(services, request, target);
  if (version != "v1") return std::nullopt;
  if (target.At(3) == "serviceAccounts") return HandleAccountsRequest(services, request, target);
  if (target.segments.size() <= 3) return HandleProjectsRequest(services, request, target);
  return std::nullopt;
}

}  // namespace godwit::server
