// Who sends an admin request, and whether the project in its path is open to them.
#pragma once

#include <string_view>

#include "server/api/services.h"

namespace godwit::server {

// The account behind "Authorization: Bearer …"; kUnauthenticated otherwise.
Result<Principal> Authenticate(const ApiServices& services, const RequestHead& head);

// kPermissionDenied, with what to do, unless the account may do what `needed` may.
Status RequireRole(const Principal& principal, Role needed);

// What a call on models or files needs: viewer to read, editor to write.
Role RoleFor(Method method);

// The account, if it is of `project` (text id or number) or an owner, and may do what `needed`
// may; else kPermissionDenied. Its project_number is the project's.
Result<Principal> AuthorizeProject(const ApiServices& services, const RequestHead& head,
                                   std::string_view project, Role needed);

}  // namespace godwit::server
