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
                          sql.Query("SELECT number, id, display_name, created_ms FROM projects "
                                    "ORDER BY created_ms, number"));
  for (const SqlRow& row : projects) {
    contents->projects.push_back({row.Int(0), row.Text(1), row.Text(2), row.Int(3)});
  }
  GODWIT_ASSIGN_OR_RETURN(const SqlRows apps,
                          sql.Query("SELECT app_id, project_number, platform, display_name, "
                                    "identity FROM apps ORDER BY app_id"));
  for (const SqlRow& row : apps) {
    contents->apps.push_back({row.Text(0), row.Int(1), row.Text(2), row.Text(3), row.Text(4)});
  }
  return Status::Ok();
}

Status ReadKeys(SqlConnection& sql, AccessSnapshot::Contents* contents) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows api_keys,
      sql.Query("SELECT k.key_hash, k.key_id, k.project_number, p.id, k.app_id, k.restrictions "
                "FROM api_keys k JOIN projects p ON p.number = k.project_number"));
  for (const SqlRow& row : api_keys) {
    GODWIT_ASSIGN_OR_RETURN(const std::string hash, HexDecode(row.Text(0)));
    AccessSnapshot::KeyHash bytes{};
    if (hash.size() != bytes.size()) {
      return Status(StatusCode::kDataLoss, "an API key's hash is damaged; restore a backup");
    }
    std::copy(hash.begin(), hash.end(), bytes.begin());
    const std::string& app_id = row.Text(4);
    GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(row.Text(5)));
    GODWIT_ASSIGN_OR_RETURN(KeyRestrictions restrictions, KeyRestrictions::FromJson(json));
    contents->api_keys.emplace_back(
        bytes, ApiKey{row.Text(1), row.Int(2), row.Text(3), app_id,
                      app_id.empty() ? 0 : AppHash(app_id), std::move(restrictions)});
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

AccessStore::AccessStore(Database& database, const Clock& clock, std::string public_url,
                         std::vector<std::string> other_urls)
    : database_(database),
      clock_(clock),
      public_url_(std::move(public_url)),
      own_urls_(std::move(other_urls)) {
  own_urls_.push_back(public_url_);
}

Result<std::unique_ptr<AccessStore>> AccessStore::Open(Database& database, const Clock& clock,
                                                       std::string public_url,
                                                       std::vector<std::string> other_urls) {
  std::unique_ptr<AccessStore> store(
      new AccessStore(database, clock, std::move(public_url), std::move(other_urls)));
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

Status AccessStore::ReadContents(SqlConnection& sql, AccessSnapshot::Contents* contents) const {
  contents->public_url = public_url_;
  GODWIT_RETURN_IF_ERROR(ReadProjectsAndApps(sql, contents));
  return ReadKeys(sql, contents);
}

void AccessStore::Show(AccessSnapshot::Contents contents) {
  auto fresh = std::make_shared<const AccessSnapshot>(std::move(contents));
  {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_ = std::move(fresh);
  }
  generation_.fetch_add(1, std::memory_order_release);
}

Status AccessStore::Reload() {
  // One at a time, so that an older reading never replaces a newer one.
  const std::lock_guard reload(reload_mutex_);
  AccessSnapshot::Contents contents;
  GODWIT_RETURN_IF_ERROR(
      database_.Read([&](SqlConnection& sql) { return ReadContents(sql, &contents); }));
  Show(std::move(contents));
  return Status::Ok();
}

Status AccessStore::Change(const std::function<Status(SqlConnection&)>& body) {
  // One at a time, so that snapshots follow each other as the changes do.
  const std::lock_guard reload(reload_mutex_);
  AccessSnapshot::Contents contents;
  // Read before the commit: a change that cannot be shown is not made, or what it revokes would
  // stay valid.
  GODWIT_RETURN_IF_ERROR(database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(body(sql));
    return ReadContents(sql, &contents);
  }));
  Show(std::move(contents));
  ForgetTokens();
  return Status::Ok();
}

Result<AccessStore::AccountKeys> AccessStore::PublicKeysOf(const std::string& email,
                                                           const std::string& key_id) {
  AccountKeys keys;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows accounts,
        sql.Query("SELECT project_number, role FROM service_accounts WHERE email = $1", {email}));
    if (accounts.empty()) return Status(StatusCode::kNotFound, "there is no such service account");
    keys.project_number = accounts[0].Int(0);
    keys.role = ParseRole(accounts[0].Text(1)).value_or(Role::kViewer);
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query(
            "SELECT public_key_pem, key_id FROM service_account_keys "
            "WHERE email = $1 AND ($2 = '' OR key_id = $2) ORDER BY created_ms, key_id LIMIT 10",
            {email, key_id}));
    for (const SqlRow& row : rows) {
      keys.public_key_pems.push_back(row.Text(0));
      keys.key_ids.push_back(row.Text(1));
    }
    return Status::Ok();
  }));
  return keys;
}

std::optional<AccessToken> AccessStore::ExchangeJwt(std::string_view form, OAuthError* error) {
  const int64_t now_ms = clock_.NowMs();
  const auto find_keys = [this](const std::string& email,
                                const std::string& kid) -> Result<std::vector<PublicKey>> {
    std::vector<PublicKey> found;
    auto keys = PublicKeysOf(email, kid);
    if (keys.status().code() == StatusCode::kNotFound) return found;
    if (!keys.ok()) return keys.status();
    for (size_t i = 0; i < keys->key_ids.size(); ++i) {
      found.push_back({keys->key_ids[i], std::move(keys->public_key_pems[i])});
    }
    return found;
  };
  const auto signer = CheckJwtGrant(form, own_urls_, now_ms, find_keys, error);
  if (!signer) return std::nullopt;

  const std::string token =
      std::string(kAccessTokenPrefix) + Base64UrlEncode(AsBytes(RandomBytes(32)));
  const Status stored = database_.Write([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t inserted,
        sql.Execute(
            "INSERT INTO access_tokens (token_hash, email, project_number, expires_ms, "
            "key_id) SELECT $1, a.email, a.project_number, $2, k.key_id "
            "FROM service_accounts a JOIN service_account_keys k ON k.email = a.email "
            "WHERE a.email = $3 AND k.key_id = $4",
            {SecretHash(token), now_ms + kAccessTokenLifeMs, signer->email, signer->key_id}));
    if (inserted == 1) return Status::Ok();
    return Status(StatusCode::kUnauthenticated, "the account or its key was deleted meanwhile");
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
                            sql.Query("SELECT t.project_number, t.email, t.expires_ms, a.role "
                                      "FROM access_tokens t JOIN service_accounts a "
                                      "ON a.email = t.email WHERE t.token_hash = $1",
                                      {hash}));
    if (rows.empty() || rows[0].Int(2) <= now_ms) return unknown;
    principal = {rows[0].Int(0), rows[0].Text(1), rows[0].Int(2),
                 ParseRole(rows[0].Text(3)).value_or(Role::kViewer)};
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
  return Change([&](SqlConnection& sql) {
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
