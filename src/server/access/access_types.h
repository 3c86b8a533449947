// What access control speaks of: projects, apps, keys, accounts. Value types. Times are
// milliseconds since 1970.
#pragma once

#include <cstdint>
#include <string>

#include "server/access/key_restrictions.h"
#include "server/access/role.h"

namespace godwit::server {

struct Project {
  int64_t number = 0;
  std::string id;  // 6 to 30 of a-z0-9-.
  std::string display_name = {};
  int64_t created_ms = 0;
};

struct App {
  std::string id;  // 1:<project number>:<platform>:<hex>
  int64_t project_number = 0;
  std::string platform;  // android, ios or web.
  std::string display_name;
  std::string identity = {};  // Package name or bundle id; empty when it has none.
};

// Who an admin request comes from.
struct Principal {
  int64_t project_number = 0;  // Whose things the request is about: usually the account's own.
  std::string email;           // The service account's.
  int64_t expires_ms = 0;
  Role role = Role::kViewer;
};

// A key as it is made; the server keeps its hash only, so this is the one time it is readable.
struct NewApiKey {
  std::string key;  // AIza and 35 characters.
  std::string id;   // Names the key in lists and logs.
};

// What a person may say about a key and change later.
struct ApiKeySettings {
  std::string display_name;
  KeyRestrictions restrictions;
};

// What an API key opens. Held by a snapshot.
struct ApiKey {
  std::string id;
  int64_t project_number = 0;
  std::string project_id;
  std::string app_id;     // Empty: every app of the project.
  uint64_t app_hash = 0;  // AppHash(app_id), to compare with a token's; 0 when app_id is empty.
  KeyRestrictions restrictions = {};
};

struct ServiceAccount {
  std::string email;
  int64_t project_number = 0;
  std::string client_id;  // 21 digits.
  std::string display_name;
  Role role = Role::kViewer;
  int64_t created_ms = 0;
};

// A service account's key as it is made; the private half exists in the file alone.
struct NewAccountKey {
  std::string id;
  std::string key_file_json;  // Google's key file format.
  int64_t created_ms = 0;
};

struct AccessToken {
  std::string token;  // Opaque.
  int64_t expires_in_s = 0;
};

}  // namespace godwit::server
