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

Result<Principal> AuthorizeProject(const ApiServices& services, const RequestHead& head,
                                   std::string_view project) {
  GODWIT_ASSIGN_OR_RETURN(Principal principal, Authenticate(services, head));
  const auto snapshot = services.access.snapshot();
  const Project* found = snapshot->FindProject(project);
  if (found == nullptr || found->number != principal.project_number) {
    return Status(StatusCode::kPermissionDenied, "The account " + principal.email +
                                                     " has no access to project '" +
                                                     std::string(project) + "'");
  }
  return principal;
}

}  // namespace godwit::server
