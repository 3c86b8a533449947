// Who sends an admin request, and whether the project in its path is theirs.
#pragma once

#include <string_view>

#include "server/api/services.h"

namespace godwit::server {

// The account behind "Authorization: Bearer …"; kUnauthenticated otherwise.
Result<Principal> Authenticate(const ApiServices& services, const RequestHead& head);

// The same, and kPermissionDenied unless `project` (text id or number) is the account's.
Result<Principal> AuthorizeProject(const ApiServices& services, const RequestHead& head,
                                   std::string_view project);

}  // namespace godwit::server
