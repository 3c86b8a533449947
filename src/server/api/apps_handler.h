// Apps, as the Firebase Management API has them:
// /v1beta1/projects/{p}/{androidApps|iosApps|webApps}.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// Everything below /v1beta1/projects/. Blocks on the disk.
Response HandleAppsRequest(const ApiServices& services, const Request& request,
                           const RequestTarget& target);

// The done operation that made the app; kNotFound once that is gone.
Result<Response> AppOperation(const ApiServices& services, const RequestHead& head,
                              std::string_view app_id);

}  // namespace godwit::server
