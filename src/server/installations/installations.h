// Installations: Firebase's installation ids, refresh tokens and auth tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "server/access/access_store.h"
#include "server/db/database.h"

namespace godwit::server {

// Who asks. Views of the request.
struct InstallationCaller {
  std::string_view project;  // From the path: text id or number.
  std::string_view api_key;  // x-goog-api-key.
  ClientIdentity client = {};
};

struct CreateInstallationRequest {
  std::string fid;  // May be empty, invalid or taken: another is answered then.
  std::string app_id;
  std::string sdk_version;
};

struct InstallationToken {
  std::string token;         // Three parts.
  int64_t expires_in_s = 0;  // On the wire "604800s".
};

struct CreatedInstallation {
  std::string name;  // projects/<number>/installations/<fid>
  std::string fid;
  std::string refresh_token;
  InstallationToken auth_token;
};

// What is kept of one.
struct InstallationRecord {
  std::string app_id;
  std::string sdk_version;
  int64_t created_ms = 0;
  int64_t last_seen_ms = 0;  // 0: never.
  std::string context;       // The last X-Godwit-Context; empty: none.
};

// Thread-safe; blocks on the disk.
class Installations {
 public:
  // All outlive it.
  Installations(Database& database, const AccessStore& access, const Clock& clock);

  // A wrong key, project or app is kInvalidArgument (400) and a client that the key's restrictions
  // keep out kPermissionDenied (403): at 401 or 404 clients would throw their identity away and
  // register again without end.
  Result<CreatedInstallation> Create(const InstallationCaller& caller,
                                     const CreateInstallationRequest& request);

  // authorization: the header's value, "FIS_v2 <refresh token>". Unknown, deleted or wrong
  // tokens are kUnauthenticated (401): the client registers anew. A wrong key or client is as in
  // Create.
  Result<InstallationToken> GenerateToken(const InstallationCaller& caller, std::string_view fid,
                                          std::string_view authorization);

  // nullopt when there is none.
  Result<std::optional<InstallationRecord>> Find(int64_t project_number,
                                                 std::string_view fid) const;

  // Errors as GenerateToken's; deleting twice is Ok the first time and kUnauthenticated then.
  Status Delete(const InstallationCaller& caller, std::string_view fid,
                std::string_view authorization);

 private:
  Database& database_;
  const AccessStore& access_;
  const Clock& clock_;
};

}  // namespace godwit::server
