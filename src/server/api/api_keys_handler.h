// API keys, as Google's API Keys API v2 has them: /v2/projects/{p}/locations/global/keys.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// Everything below /v2/projects/, and /v2/keys:lookupKey. Blocks on the disk.
Response HandleApiKeysRequest(const ApiServices& services, const Request& request,
                              const RequestTarget& target);

}  // namespace godwit::server
