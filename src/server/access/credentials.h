// Credentials: making projects, apps, keys and accounts, and their rows in the database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"
#include "server/access/access_types.h"
#include "server/db/database.h"

namespace godwit::server {

// Lower-case hex of the SHA-256: what the database keeps of a secret.
std::string SecretHash(std::string_view secret);

// A service account's key pair; `key_file_json` leaves the server, the rest is stored.
struct MintedAccountKey {
  std::string id;
  std::string public_key_pem;
  std::string key_file_json;  // Google's key file format, with the private key.
};

// kInvalidArgument, naming what it is for, unless text is UTF-8 without control characters and of
// at most 200 bytes.
Status CheckDisplayName(std::string_view what, std::string_view text);

// These draw random names and touch nothing.
// kInvalidArgument unless id is 6 to 30 of a-z0-9-, begins with a letter and ends in none of '-'.
Result<Project> MintProject(std::string_view id, std::string_view display_name);
// kInvalidArgument unless platform is 1 to 16 of a-z and names are well formed. identity may be
// empty.
Result<App> MintApp(int64_t project_number, std::string_view platform,
                    std::string_view display_name, std::string_view identity);
NewApiKey MintApiKey();
// kInvalidArgument unless name is as a project's id.
Result<ServiceAccount> MintServiceAccount(const Project& project, std::string_view name,
                                          std::string_view display_name, Role role);
// key must hold its private part.
MintedAccountKey MintAccountKey(const Project& project, const ServiceAccount& account,
                                const RsaKey& key, const std::string& public_url);

// In a write transaction. kAlreadyExists when the name is taken, kFailedPrecondition when the
// project is unknown.
Status InsertProject(SqlConnection& sql, const Project& project, int64_t now_ms);
Status InsertApp(SqlConnection& sql, const App& app, int64_t now_ms);
Status InsertApiKey(SqlConnection& sql, const NewApiKey& key, int64_t project_number,
                    const ApiKeySettings& settings, int64_t now_ms);
Status InsertServiceAccount(SqlConnection& sql, const ServiceAccount& account, int64_t now_ms);
Status InsertAccountKey(SqlConnection& sql, const MintedAccountKey& key, const std::string& email,
                        int64_t now_ms);

// kResourceExhausted when `count_query` (with one parameter) says that count_max is reached.
Status CheckRoom(SqlConnection& sql, std::string_view count_query, const SqlValue& parameter,
                 int64_t count_max, std::string_view what);

}  // namespace godwit::server
