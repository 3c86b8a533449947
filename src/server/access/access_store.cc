#include "server/access/access_store.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "server/access/credentials.h"

namespace godwit::server {
namespace {

constexpr int64_t kAccessTokenLifeMs = 3600 * 1000;
constexpr std::string_view kAccessTokenPrefix = "gat_";
constexpr size_t kAccessTokenSize = 4 + 43;
constexpr size_t kTokensCachedMax = 10000;
constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr int64_t kSigningKeyUseMs = 30 * kDayMs;
// Longer than the longest-lived thing that a key signs: an installation token's week.
constexpr int64_t kSigningKeyRestMs = 8 * kDayMs;

Status InsertSigningKey(SqlConnection& sql, int64_t now_ms) {
  return sql
      .Execute("INSERT INTO signing_keys (kid, secret_hex, created_ms) VALUES ($1, $2, $3)",
               {HexEncode(AsBytes(RandomBytes(4))), HexEncode(AsBytes(RandomBytes(32))), now_ms})
      .status();
}

Status ReadProjectsAndApps(SqlConnection& sql, AccessSnapshot::Contents* contents) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows projects,
                          sql.Query("SELECT number, id FROM projects ORDER BY created_ms, number"));
  for (const SqlRow& row : projects) contents->projects.push_back({row.Int(0), row.Text(1)});
  GODWIT_ASSIGN_OR_RETURN(const SqlRows apps,
                          sql.Query("SELECT app_id, project_number, platform, display_name "
                                    "FROM apps ORDER BY created_ms, app_id"));
  for (const SqlRow& row : apps) {
    contents->apps.push_back({row.Text(0), row.Int(1), row.Text(2), row.Text(3)});
  }
  return Status::Ok();
}

Status ReadKeys(SqlConnection& sql, AccessSnapshot::Contents* contents) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows api_keys,
      sql.Query("SELECT k.key_hash, k.key_id, k.project_number, p.id, k.app_id "
                "FROM api_keys k JOIN projects p ON p.number = k.project_number"));
  for (const SqlRow& row : api_keys) {
    GODWIT_ASSIGN_OR_RETURN(const std::string hash, HexDecode(row.Text(0)));
    AccessSnapshot::KeyHash bytes{};
    if (hash.size() != bytes.size()) {
      return Status(StatusCode::kDataLoss, "an API key's hash is damaged; restore a backup");
    }
    std::copy(hash.begin(), hash.end(), bytes.begin());
    const std::string& app_id = row.Text(4);
    contents->api_keys.emplace_back(bytes, ApiKey{row.Text(1), row.Int(2), row.Text(3), app_id,
                                                  app_id.empty() ? 0 : AppHash(app_id)});
  }
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows signing_keys,
      sql.Query("SELECT kid, secret_hex FROM signing_keys ORDER BY created_ms DESC, kid"));
  for (const SqlRow& row : signing_keys) {
    GODWIT_ASSIGN_OR_RETURN(const std::string secret, HexDecode(row.Text(1)));
    contents->signing_keys.push_back({row.Text(0), HmacKey(AsBytes(secret))});
  }
  return Status::Ok();
}

}  // namespace

AccessStore::AccessStore(Database& database, const Clock& clock, std::string public_url)
    : database_(database), clock_(clock), public_url_(std::move(public_url)) {}

Result<std::unique_ptr<AccessStore>> AccessStore::Open(Database& database, const Clock& clock,
                                                       std::string public_url) {
  std::unique_ptr<AccessStore> store(new AccessStore(database, clock, std::move(public_url)));
  GODWIT_RETURN_IF_ERROR(database.Write([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows keys, sql.Query("SELECT kid FROM signing_keys LIMIT 1"));
    return keys.empty() ? InsertSigningKey(sql, clock.NowMs()) : Status::Ok();
  }));
  GODWIT_RETURN_IF_ERROR(store->Reload());
  return store;
}

std::shared_ptr<const AccessSnapshot> AccessStore::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

Result<AccessSnapshot::Contents> AccessStore::ReadContents() {
  AccessSnapshot::Contents contents;
  contents.public_url = public_url_;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) {
    GODWIT_RETURN_IF_ERROR(ReadProjectsAndApps(sql, &contents));
    return ReadKeys(sql, &contents);
  }));
  return contents;
}

Status AccessStore::Reload() {
  // One at a time, so that an older reading never replaces a newer one.
  const std::lock_guard reload(reload_mutex_);
  GODWIT_ASSIGN_OR_RETURN(AccessSnapshot::Contents contents, ReadContents());
  auto fresh = std::make_shared<const AccessSnapshot>(std::move(contents));
  {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_ = std::move(fresh);
  }
  generation_.fetch_add(1, std::memory_order_release);
  return Status::Ok();
}

Status AccessStore::WriteAndReload(const std::function<Status(SqlConnection&)>& body) {
  GODWIT_RETURN_IF_ERROR(database_.Write(body));
  return Reload();
}

Result<Project> AccessStore::CreateProject(std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(const Project project, MintProject(id));
  GODWIT_RETURN_IF_ERROR(WriteAndReload(
      [&](SqlConnection& sql) { return InsertProject(sql, project, clock_.NowMs()); }));
  return project;
}

Result<App> AccessStore::CreateApp(int64_t project_number, std::string_view platform,
                                   std::string_view display_name) {
  GODWIT_ASSIGN_OR_RETURN(const App app, MintApp(project_number, platform, display_name));
  GODWIT_RETURN_IF_ERROR(
      WriteAndReload([&](SqlConnection& sql) { return InsertApp(sql, app, clock_.NowMs()); }));
  return app;
}

Result<NewApiKey> AccessStore::CreateApiKey(int64_t project_number, std::string_view app_id) {
  const App* const app = app_id.empty() ? nullptr : snapshot()->FindApp(app_id);
  if (!app_id.empty() && (app == nullptr || app->project_number != project_number)) {
    return Status(StatusCode::kNotFound, "the project has no such app; create the app first");
  }
  const NewApiKey key = MintApiKey();
  GODWIT_RETURN_IF_ERROR(WriteAndReload([&](SqlConnection& sql) {
    return InsertApiKey(sql, key, project_number, app_id, clock_.NowMs());
  }));
  return key;
}

Status AccessStore::DeleteApiKey(std::string_view key_id) {
  return WriteAndReload([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t deleted,
        sql.Execute("DELETE FROM api_keys WHERE key_id = $1", {std::string(key_id)}));
    if (deleted > 0) return Status::Ok();
    return Status(StatusCode::kNotFound, "there is no API key with this id; list the keys");
  });
}

Result<NewServiceAccount> AccessStore::CreateServiceAccount(int64_t project_number,
                                                            std::string_view name) {
  const auto current = snapshot();
  const Project* const project = current->FindProject(std::to_string(project_number));
  if (project == nullptr) {
    return Status(StatusCode::kNotFound, "there is no such project; create the project first");
  }
  // Before the key: that is dear to make.
  GODWIT_RETURN_IF_ERROR(CheckName("a service account's name", name));
  GODWIT_ASSIGN_OR_RETURN(const RsaKey key, RsaKey::Generate());
  GODWIT_ASSIGN_OR_RETURN(const MintedServiceAccount account,
                          MintServiceAccount(*project, name, key, public_url_));
  GODWIT_RETURN_IF_ERROR(database_.Write([&](SqlConnection& sql) {
    return InsertServiceAccount(sql, account, project_number, clock_.NowMs());
  }));
  return account.file;
}

Status AccessStore::DeleteServiceAccount(std::string_view email) {
  // Its keys and tokens go with it, by the tables' cascades.
  const Status status = database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t deleted,
        sql.Execute("DELETE FROM service_accounts WHERE email = $1", {std::string(email)}));
    if (deleted > 0) return Status::Ok();
    return Status(StatusCode::kNotFound, "there is no such service account");
  });
  ForgetTokens();
  return status;
}

Result<AccessStore::AccountKeys> AccessStore::PublicKeysOf(const std::string& email,
                                                           const std::string& key_id) {
  AccountKeys keys;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows accounts,
        sql.Query("SELECT project_number FROM service_accounts WHERE email = $1", {email}));
    if (accounts.empty()) return Status(StatusCode::kNotFound, "there is no such service account");
    keys.project_number = accounts[0].Int(0);
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query("SELECT public_key_pem FROM service_account_keys "
                  "WHERE email = $1 AND ($2 = '' OR key_id = $2) ORDER BY created_ms LIMIT 10",
                  {email, key_id}));
    for (const SqlRow& row : rows) keys.public_key_pems.push_back(row.Text(0));
    return Status::Ok();
  }));
  return keys;
}

std::optional<AccessToken> AccessStore::ExchangeJwt(std::string_view form, OAuthError* error) {
  const int64_t now_ms = clock_.NowMs();
  const auto find_keys = [this](const std::string& email,
                                const std::string& kid) -> Result<std::vector<std::string>> {
    auto keys = PublicKeysOf(email, kid);
    if (keys.ok()) return std::move(keys->public_key_pems);
    if (keys.status().code() == StatusCode::kNotFound) return std::vector<std::string>();
    return keys.status();
  };
  const auto email = CheckJwtGrant(form, public_url_, now_ms, find_keys, error);
  if (!email) return std::nullopt;

  const std::string token =
      std::string(kAccessTokenPrefix) + Base64UrlEncode(AsBytes(RandomBytes(32)));
  const Status stored = database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t inserted,
        sql.Execute("INSERT INTO access_tokens (token_hash, email, project_number, expires_ms) "
                    "SELECT $1, email, project_number, $2 FROM service_accounts WHERE email = $3",
                    {SecretHash(token), now_ms + kAccessTokenLifeMs, *email}));
    if (inserted == 1) return Status::Ok();
    return Status(StatusCode::kUnauthenticated, "the service account was deleted meanwhile");
  });
  if (!stored.ok()) {
    const bool deleted = stored.code() == StatusCode::kUnauthenticated;
    *error = {deleted ? "invalid_grant" : "server_error", stored.message()};
    return std::nullopt;
  }
  // A second less than the truth, as Google says it, so that no client uses a dead token.
  return AccessToken{token, kAccessTokenLifeMs / 1000 - 1};
}

Result<Principal> AccessStore::FindAccessToken(std::string_view token) {
  const Status unknown(StatusCode::kUnauthenticated,
                       "the access token is unknown, expired or revoked; get a new one from /token "
                       "with a service account's key");
  if (token.size() != kAccessTokenSize || !token.starts_with(kAccessTokenPrefix)) return unknown;
  // Looked up by its hash: how long that takes tells nothing about any token.
  const std::string hash = SecretHash(token);
  const int64_t now_ms = clock_.NowMs();
  uint64_t revocations = 0;
  {
    const std::lock_guard lock(tokens_mutex_);
    revocations = revocations_;
    const auto found = tokens_.find(hash);
    if (found != tokens_.end()) {
      if (found->second.expires_ms > now_ms) return found->second;
      tokens_.erase(found);
      return unknown;
    }
  }
  Principal principal;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            sql.Query("SELECT project_number, email, expires_ms "
                                      "FROM access_tokens WHERE token_hash = $1",
                                      {hash}));
    if (rows.empty() || rows[0].Int(2) <= now_ms) return unknown;
    principal = {rows[0].Int(0), rows[0].Text(1), rows[0].Int(2)};
    return Status::Ok();
  }));
  const std::lock_guard lock(tokens_mutex_);
  if (revocations == revocations_) {
    if (tokens_.size() >= kTokensCachedMax) tokens_.clear();
    tokens_.emplace(hash, principal);
  }
  return principal;
}

void AccessStore::ForgetTokens() {
  const std::lock_guard lock(tokens_mutex_);
  tokens_.clear();
  ++revocations_;
}

Status AccessStore::RotateSigningKeys() {
  const int64_t now_ms = clock_.NowMs();
  return WriteAndReload([&](SqlConnection& sql) {
    // A key may go once the one that followed it is old enough.
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM signing_keys WHERE EXISTS (SELECT 1 FROM signing_keys newer "
                    "WHERE newer.created_ms > signing_keys.created_ms AND newer.created_ms < $1)",
                    {now_ms - kSigningKeyRestMs})
            .status());
    return InsertSigningKey(sql, now_ms);
  });
}

Status AccessStore::Maintain() {
  const int64_t now_ms = clock_.NowMs();
  bool rotate = false;
  GODWIT_RETURN_IF_ERROR(database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM access_tokens WHERE expires_ms <= $1", {now_ms}).status());
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            sql.Query("SELECT max(created_ms) FROM signing_keys"));
    rotate = rows.at(0).Int(0) < now_ms - kSigningKeyUseMs;
    return Status::Ok();
  }));
  return rotate ? RotateSigningKeys() : Status::Ok();
}

}  // namespace godwit::server
