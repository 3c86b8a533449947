// The calls on projects, apps, API keys and service accounts, led to their handlers.
#pragma once

#include <optional>

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// nullopt when the path is none of theirs. Blocks on the disk.
std::optional<Response> HandleAdminRequest(const ApiServices& services, const Request& request,
                                           const RequestTarget& target);

}  // namespace godwit::server
