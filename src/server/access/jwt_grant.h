// The OAuth2 JWT bearer grant (RFC 7523), as Google's clients use it: reading and checking.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::server {

// The body of an OAuth2 error (RFC 6749, section 5.2); answered with 400.
struct OAuthError {
  std::string error;        // invalid_request, invalid_grant, unsupported_grant_type ...
  std::string description;  // For a person.
};

// Looks up the public keys (PEM) of a service account; kid empty: all of them. No keys when
// the account or the key is unknown.
using FindPublicKeys = std::function<Result<std::vector<std::string>>(const std::string& email,
                                                                      const std::string& kid)>;

// Checks a token request: its urlencoded body, the assertion's form, signature (RS256),
// audience, and times with some minutes for clocks that differ. Returns the account's email, or
// sets *error and returns nullopt. Blocks as find_keys does.
std::optional<std::string> CheckJwtGrant(std::string_view form, const std::string& public_url,
                                         int64_t now_ms, const FindPublicKeys& find_keys,
                                         OAuthError* error);

}  // namespace godwit::server
