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

struct PublicKey {
  std::string id;
  std::string pem;
};

// Looks up the public keys of a service account; kid empty: all of them. No keys when the account
// or the key is unknown.
using FindPublicKeys =
    std::function<Result<std::vector<PublicKey>>(const std::string& email, const std::string& kid)>;

// Who signed an assertion, and with which of the account's keys.
struct Signer {
  std::string email;
  std::string key_id;
};

// Checks a token request: its urlencoded body, the assertion's form, signature (RS256),
// audience (one of own_urls, which end without a slash, or Google's), and times with some minutes
// for clocks that differ. On failure sets *error and returns
// nullopt. Blocks as find_keys does.
std::optional<Signer> CheckJwtGrant(std::string_view form, const std::vector<std::string>& own_urls,
                                    int64_t now_ms, const FindPublicKeys& find_keys,
                                    OAuthError* error);

}  // namespace godwit::server
