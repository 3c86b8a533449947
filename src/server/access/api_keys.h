// ApiKeys: what apps send to be let in. Public by nature: they stand in every copy of an app.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/access_store.h"

namespace godwit::server {

// All that the server knows of a key; the key itself it has forgotten.
struct ApiKeyInfo {
  std::string id;
  int64_t project_number = 0;
  ApiKeySettings settings;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

struct CreatedApiKey {
  std::string key;  // Readable this one time.
  ApiKeyInfo info;
};

// Absent fields stay as they are.
struct ApiKeyChange {
  std::optional<std::string> display_name;
  std::optional<KeyRestrictions> restrictions = {};
};

// Thread-safe; blocks on the disk. Everything acts on by.project_number.
class ApiKeys {
 public:
  explicit ApiKeys(AccessStore& access) : access_(access) {}

  // kNotFound when the restrictions name an app that the project does not have.
  Result<CreatedApiKey> Create(const Principal& by, const ApiKeySettings& settings);
  // Up to `limit` keys with ids after `after`, sorted by id.
  Result<std::vector<ApiKeyInfo>> List(const Principal& by, std::string_view after, int limit);
  // kNotFound when the project has no such key; so below.
  Result<ApiKeyInfo> Find(const Principal& by, std::string_view key_id);
  Result<ApiKeyInfo> Update(const Principal& by, std::string_view key_id,
                            const ApiKeyChange& change);
  // It opens nothing from the return on.
  Status Delete(const Principal& by, std::string_view key_id);

 private:
  Status Check(SqlConnection& sql, const Principal& by, const ApiKeySettings& settings) const;
  Status Log(SqlConnection& sql, const Principal& by, std::string_view action,
             std::string_view key_id, const ApiKeySettings& settings) const;

  AccessStore& access_;
};

}  // namespace godwit::server
