// Projects, as Cloud Resource Manager v1 has them: /v1/projects.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// "/v1/projects" and "/v1/projects/{p}". Blocks on the disk.
Response HandleProjectsRequest(const ApiServices& services, const Request& request,
                               const RequestTarget& target);

// The done operation that made the project; kNotFound once that is gone.
Result<Response> ProjectOperation(const ApiServices& services, const RequestHead& head,
                                  std::string_view project_id);

}  // namespace godwit::server
