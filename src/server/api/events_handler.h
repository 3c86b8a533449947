// What devices tell about their models, and what administrators see of it.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// True for …/installations/{fid}/events:batch, …/events and …/models/{id}:stats, below
// /v1beta2/projects/{p}/.
bool IsEventsRequest(const RequestTarget& target);

// REQUIRES: IsEventsRequest(target). Blocks on the disk.
Response HandleEventsRequest(const ApiServices& services, const Request& request,
                             const RequestTarget& target);

}  // namespace godwit::server
