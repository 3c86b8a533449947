// AccessStore: who may do what, in memory; access tokens and signing keys. Projects, Apps, ApiKeys
// and ServiceAccounts change it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/access/access_snapshot.h"
#include "server/access/access_types.h"
#include "server/access/jwt_grant.h"
#include "server/db/database.h"

namespace godwit::server {

// Thread-safe. Methods block on the disk unless they say otherwise.
class AccessStore {
 public:
  // public_url and other_urls, where the server can be reached, too, without a slash at their
  // end; database and clock outlive the store. Reads the first snapshot, making the first
  // signing key on an empty database.
  static Result<std::unique_ptr<AccessStore>> Open(Database& database, const Clock& clock,
                                                   std::string public_url,
                                                   std::vector<std::string> other_urls = {});

  // The newest snapshot. Does not block. Loops keep a copy and ask again only when
  // generation() has moved: that is one relaxed load in the usual case.
  std::shared_ptr<const AccessSnapshot> snapshot() const;
  const Clock& clock() const { return clock_; }
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  const std::string& public_url() const { return public_url_; }

  // A read of what snapshots do not hold.
  Status Read(const std::function<Status(SqlConnection&)>& body) { return database_.Read(body); }
  // A write of who may do what. When it returns Ok, the new snapshot stands and no token that the
  // write revoked is known any more; when it fails, nothing has changed.
  Status Change(const std::function<Status(SqlConnection&)>& body);

  // The OAuth2 JWT bearer grant: form is the request's urlencoded body. On failure *error is
  // set and nullopt returned; a failing database is {"server_error", ...} (answer 503).
  std::optional<AccessToken> ExchangeJwt(std::string_view form, OAuthError* error);

  // Who holds this access token; kUnauthenticated when it is unknown, expired or revoked.
  // Known tokens are answered from memory.
  Result<Principal> FindAccessToken(std::string_view token);

  // What a service account's signatures are checked with: of signed URLs and of assertions.
  struct AccountKeys {
    int64_t project_number = 0;
    Role role = Role::kViewer;
    std::vector<std::string> public_key_pems;  // Empty when no key is left.
    std::vector<std::string> key_ids;          // In the same order.
  };
  // kNotFound when there is no such account. key_id empty: all of its keys.
  Result<AccountKeys> PublicKeysOf(const std::string& email, const std::string& key_id = "");

  // Adds a signing key; older ones go on verifying until what they signed has expired.
  Status RotateSigningKeys();

  // To be called every hour or so: rotates signing keys when they are a month old and forgets
  // expired access tokens.
  Status Maintain();

  // Makes a new snapshot from the database, for one who changed the tables himself.
  Status Reload();

 private:
  AccessStore(Database& database, const Clock& clock, std::string public_url,
              std::vector<std::string> other_urls);
  Status ReadContents(SqlConnection& sql, AccessSnapshot::Contents* contents) const;
  // REQUIRES: reload_mutex_ is held.
  void Show(AccessSnapshot::Contents contents);
  void ForgetTokens();

  Database& database_;
  const Clock& clock_;
  const std::string public_url_;
  std::vector<std::string> own_urls_;  // All of them; never changed.
  std::atomic<uint64_t> generation_{0};
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const AccessSnapshot> snapshot_;
  std::mutex reload_mutex_;
  std::mutex tokens_mutex_;
  std::unordered_map<std::string, Principal> tokens_;  // By the hash of the token, hex.
  uint64_t revocations_ = 0;                           // So that a slow look-up caches nothing old.
};

}  // namespace godwit::server
