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

// A service account with its key pair; `file` leaves the server, the rest is stored.
struct MintedServiceAccount {
  NewServiceAccount file;
  std::string client_id;
  std::string key_id;
  std::string public_key_pem;
};

// kInvalidArgument, naming what it is for, unless name is 6 to 30 of a-z0-9-.
Status CheckName(std::string_view what, std::string_view name);

// These draw random names and touch nothing.
// kInvalidArgument unless id is 6 to 30 of a-z0-9-.
Result<Project> MintProject(std::string_view id);
// kInvalidArgument unless platform is 1 to 16 of a-z and the name at most 200 bytes.
Result<App> MintApp(int64_t project_number, std::string_view platform,
                    std::string_view display_name);
NewApiKey MintApiKey();
// kInvalidArgument unless name is 6 to 30 of a-z0-9-. key must hold its private part.
Result<MintedServiceAccount> MintServiceAccount(const Project& project, std::string_view name,
                                                const RsaKey& key, const std::string& public_url);

// In a write transaction. kAlreadyExists when the name is taken, kFailedPrecondition when the
// project is unknown.
Status InsertProject(SqlConnection& sql, const Project& project, int64_t now_ms);
Status InsertApp(SqlConnection& sql, const App& app, int64_t now_ms);
Status InsertApiKey(SqlConnection& sql, const NewApiKey& key, int64_t project_number,
                    std::string_view app_id, int64_t now_ms);
Status InsertServiceAccount(SqlConnection& sql, const MintedServiceAccount& account,
                            int64_t project_number, int64_t now_ms);

}  // namespace godwit::server
