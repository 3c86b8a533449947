// Service accounts and their keys, as IAM v1 has them: /v1/projects/{p}/serviceAccounts.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// Everything below /v1/projects/{p}/serviceAccounts. Blocks on the disk.
Response HandleAccountsRequest(const ApiServices& services, const Request& request,
                               const RequestTarget& target);

}  // namespace godwit::server
