#include "server/installations/installations.h"

#include "crypto/crypto.h"
#include "server/access/credentials.h"

namespace godwit::server {
namespace {

constexpr int64_t kTokenLifeS = 7 * 24 * 3600;
constexpr size_t kFidSize = 22;
constexpr size_t kLegacyFidSize = 11;
constexpr size_t kSdkVersionMaxBytes = 100;
constexpr std::string_view kScheme = "FIS_v2 ";

Status BadRequest(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// An id as the clients make it, or an older instance id that an app brought along.
bool IsValidFid(std::string_view fid) {
  if (fid.size() != kFidSize && fid.size() != kLegacyFidSize) return false;
  if (fid.size() == kFidSize && (fid[0] < 'c' || fid[0] > 'f')) return false;
  return fid.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
         std::string_view::npos;
}

// Four fixed bits, 0111, and 128 random ones.
std::string MintFid() {
  std::string bytes = RandomBytes(17);
  bytes[0] = static_cast<char>(0x70 | (bytes[0] & 0x0f));
  return Base64UrlEncode(AsBytes(bytes)).substr(0, kFidSize);
}

// The key, if it is the path's project's and open to this client. Never kUnauthenticated or
// kNotFound.
Result<const ApiKey*> CheckKey(const AccessSnapshot& snapshot, const InstallationCaller& caller) {
  const ApiKey* const key = snapshot.FindApiKey(caller.api_key);
  if (key == nullptr) {
    return BadRequest(
        "the API key (x-goog-api-key) is missing or unknown; use api_key from the app's "
        "configuration");
  }
  const Project* const named = snapshot.FindProject(caller.project);
  if (named == nullptr || named->number != key->project_number) {
    return BadRequest("the API key does not belong to this project; use the project's own key");
  }
  if (!key->restrictions.Allow(caller.client)) return BlockedClient(key->restrictions.kind());
  return key;
}

InstallationToken SignToken(const AccessSnapshot& snapshot, int64_t project_number,
                            std::string_view app_id, std::string_view fid, int64_t now_ms) {
  InstallationClaims claims;
  claims.project_number = project_number;
  claims.expires_ms = now_ms + kTokenLifeS * 1000;
  claims.app_hash = AppHash(app_id);
  claims.fid = FidView(fid);
  return {snapshot.SignInstallationToken(claims), kTokenLifeS};
}

// The app of the installation, if the refresh token is its own.
Result<std::string> Authenticate(SqlConnection& sql, const ApiKey& key, std::string_view fid,
                                 std::string_view authorization) {
  const Status unknown(StatusCode::kUnauthenticated,
                       "the installation or its refresh token is unknown here; register again");
  if (!authorization.starts_with(kScheme)) return unknown;
  const std::string hash = SecretHash(authorization.substr(kScheme.size()));
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                          sql.Query("SELECT refresh_token_hash, app_id FROM installations "
                                    "WHERE project_number = $1 AND fid = $2",
                                    {key.project_number, std::string(fid)}));
  if (rows.empty() || !ConstantTimeEqual(AsBytes(rows[0].Text(0)), AsBytes(hash))) return unknown;
  if (!key.app_id.empty() && key.app_id != rows[0].Text(1)) {
    return BadRequest("the API key belongs to another app; use the app's own key");
  }
  return rows[0].Text(1);
}

Result<bool> IsTaken(SqlConnection& sql, int64_t project_number, const std::string& fid) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      sql.Query("SELECT fid FROM installations WHERE project_number = $1 AND fid = $2",
                {project_number, fid}));
  return !rows.empty();
}

}  // namespace

Installations::Installations(Database& database, const AccessStore& access, const Clock& clock)
    : database_(database), access_(access), clock_(clock) {}

Result<CreatedInstallation> Installations::Create(const InstallationCaller& caller,
                                                  const CreateInstallationRequest& request) {
  const auto snapshot = access_.snapshot();
  GODWIT_ASSIGN_OR_RETURN(const ApiKey* const key, CheckKey(*snapshot, caller));
  const App* const app = snapshot->FindApp(request.app_id);
  if (app == nullptr || app->project_number != key->project_number ||
      (!key->app_id.empty() && key->app_id != app->id)) {
    return BadRequest(
        "appId is missing or is no app of this API key; use app_id from the app's "
        "configuration");
  }
  if (request.sdk_version.size() > kSdkVersionMaxBytes) {
    return BadRequest("sdkVersion is too long; it has at most 100 bytes");
  }

  CreatedInstallation created;
  created.fid = IsValidFid(request.fid) ? request.fid : MintFid();
  created.refresh_token = Base64UrlEncode(AsBytes(RandomBytes(32)));
  const int64_t now_ms = clock_.NowMs();
  GODWIT_RETURN_IF_ERROR(database_.Write([&](SqlConnection& sql) -> Status {
    // Whoever asks for an id that is taken may not be its owner: he gets another one.
    GODWIT_ASSIGN_OR_RETURN(const bool taken, IsTaken(sql, key->project_number, created.fid));
    if (taken) created.fid = MintFid();
    return sql
        .Execute(
            "INSERT INTO installations (project_number, fid, app_id, refresh_token_hash, "
            "sdk_version, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
            {key->project_number, created.fid, app->id, SecretHash(created.refresh_token),
             request.sdk_version, now_ms})
        .status();
  }));
  created.name =
      "projects/" + std::to_string(key->project_number) + "/installations/" + created.fid;
  created.auth_token = SignToken(*snapshot, key->project_number, app->id, created.fid, now_ms);
  return created;
}

Result<InstallationToken> Installations::GenerateToken(const InstallationCaller& caller,
                                                       std::string_view fid,
                                                       std::string_view authorization) {
  const auto snapshot = access_.snapshot();
  GODWIT_ASSIGN_OR_RETURN(const ApiKey* const key, CheckKey(*snapshot, caller));
  std::string app_id;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(app_id, Authenticate(sql, *key, fid, authorization));
    return Status::Ok();
  }));
  return SignToken(*snapshot, key->project_number, app_id, fid, clock_.NowMs());
}

Result<std::optional<InstallationRecord>> Installations::Find(int64_t project_number,
                                                              std::string_view fid) const {
  std::optional<InstallationRecord> found;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query("SELECT app_id, sdk_version, created_ms, last_seen_ms, context "
                  "FROM installations "
                  "WHERE project_number = $1 AND fid = $2",
                  {project_number, std::string(fid)}));
    if (!rows.empty()) {
      found = InstallationRecord{rows[0].Text(0), rows[0].Text(1), rows[0].Int(2), rows[0].Int(3),
                                 rows[0].Text(4)};
    }
    return Status::Ok();
  }));
  return found;
}

Status Installations::Delete(const InstallationCaller& caller, std::string_view fid,
                             std::string_view authorization) {
  const auto snapshot = access_.snapshot();
  GODWIT_ASSIGN_OR_RETURN(const ApiKey* const key, CheckKey(*snapshot, caller));
  return database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(Authenticate(sql, *key, fid, authorization).status());
    return sql
        .Execute("DELETE FROM installations WHERE project_number = $1 AND fid = $2",
                 {key->project_number, std::string(fid)})
        .status();
  });
}

}  // namespace godwit::server
