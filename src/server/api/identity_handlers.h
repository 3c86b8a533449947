// Identities: an account's access token, an app's installation.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// POST /token and /oauth2/v4/token: a service account's signed assertion for an access token.
// Blocks on the disk.
Response HandleTokenRequest(const ApiServices& services, const Request& request);

// Everything below /v1/projects/{p}/installations. Blocks on the disk.
Response HandleInstallationRequest(const ApiServices& services, const Request& request,
                                   const RequestTarget& target);

}  // namespace godwit::server
