// ServiceAccounts: who may use the admin calls, and the key pairs that prove it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "server/access/access_store.h"

namespace godwit::server {

struct AccountKeyInfo {
  std::string id;
  int64_t created_ms = 0;
};

// Thread-safe; blocks on the disk. Everything acts on by.project_number. Nobody makes, changes or
// deletes an account or a key of a higher role than his own: kPermissionDenied.
class ServiceAccounts {
 public:
  static constexpr int64_t kKeysMax = 10;  // Of one account.

  explicit ServiceAccounts(AccessStore& access) : access_(access) {}

  // kInvalidArgument for a wrong name, kAlreadyExists for a taken one.
  Result<ServiceAccount> Create(const Principal& by, std::string_view name,
                                std::string_view display_name, Role role);
  // Up to `limit` accounts with addresses after `after`, sorted by address.
  Result<std::vector<ServiceAccount>> List(const Principal& by, std::string_view after, int limit);
  // kNotFound when the project has no such account; so below.
  Result<ServiceAccount> Find(const Principal& by, std::string_view email);
  // With its keys and access tokens, which stop working at once. kFailedPrecondition for the
  // server's last owner.
  Status Delete(const Principal& by, std::string_view email);

  // Makes a key pair (a tenth of a second). kResourceExhausted when it has kKeysMax.
  Result<NewAccountKey> CreateKey(const Principal& by, std::string_view email);
  // Oldest first.
  Result<std::vector<AccountKeyInfo>> ListKeys(const Principal& by, std::string_view email);
  // With the access tokens that it was exchanged for.
  Status DeleteKey(const Principal& by, std::string_view email, std::string_view key_id);

 private:
  AccessStore& access_;
};

// For the machine's owner, on a server that does not run: a new owner's account and its key in
// the oldest project. `keep` stores the key's file; when it fails, so does all, and nothing of it
// is valid before the return.
Result<ServiceAccount> CreateOwner(
    AccessStore& access, const std::function<Status(const std::string& json)>& keep,
    const std::function<Result<RsaKey>()>& make_key = RsaKey::Generate);

}  // namespace godwit::server
