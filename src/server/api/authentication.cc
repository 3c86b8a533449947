#include "server/api/authentication.h"

#include "server/http/header_text.h"

namespace godwit::server {

Result<Principal> Authenticate(const ApiServices& services, const RequestHead& head) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view authorization = head.Find("Authorization");
  if (!EqualsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return Status(StatusCode::kUnauthenticated,
                  "Request is missing required authentication credential. Expected an OAuth 2 "
                  "access token: get one from /token with a service account's key");
  }
  return services.access.FindAccessToken(TrimBlanks(authorization.substr(kScheme.size())));
}

Status RequireRole(const Principal& principal, Role needed) {
  if (principal.role >= needed) return Status::Ok();
  return Status(StatusCode::kPermissionDenied,
                "The account " + principal.email + " is " + std::string(RoleName(principal.role)) +
                    ", and this needs " + std::string(RoleName(needed)) +
                    ": use an account that has this role");
}

Role RoleFor(Method method) {
  const bool reads =
      method == Method::kGet || method == Method::kHead || method == Method::kOptions;
  return reads ? Role::kViewer : Role::kEditor;
}

Result<Principal> AuthorizeProject(const ApiServices& services, const RequestHead& head,
                                   std::string_view project, Role needed) {
  GODWIT_ASSIGN_OR_RETURN(Principal principal, Authenticate(services, head));
  const auto snapshot = services.access.snapshot();
  const Project* found = snapshot->FindProject(project);
  const bool open = found != nullptr &&
                    (found->number == principal.project_number || principal.role == Role::kOwner);
  if (!open) {
    return Status(StatusCode::kPermissionDenied, "The account " + principal.email +
                                                     " has no access to project '" +
                                                     std::string(project.substr(0, 100)) + "'");
  }
  GODWIT_RETURN_IF_ERROR(RequireRole(principal, needed));
  principal.project_number = found->number;
  return principal;
}

}  // namespace godwit::server
