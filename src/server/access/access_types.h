// What access control speaks of: projects, apps, keys, accounts. Value types.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::server {

struct Project {
  int64_t number = 0;
  std::string id;  // 6 to 30 of a-z0-9-.
};

struct App {
  std::string id;  // 1:<project number>:<platform>:<hex>
  int64_t project_number = 0;
  std::string platform;  // android, ios or web.
  std::string display_name;
};

// Who an admin request comes from.
struct Principal {
  int64_t project_number = 0;
  std::string email;  // The service account's.
  int64_t expires_ms = 0;
};

// A key as it is made; the server keeps its hash only, so this is the one time it is readable.
struct NewApiKey {
  std::string key;  // AIza and 35 characters.
  std::string id;   // Names the key in lists and logs.
};

// A service account as it is made; the private key exists in the file alone.
struct NewServiceAccount {
  std::string email;
  std::string key_file_json;  // Google's key file format.
};

struct AccessToken {
  std::string token;  // Opaque.
  int64_t expires_in_s = 0;
};

// What an API key opens. Held by a snapshot.
struct ApiKey {
  std::string id;
  int64_t project_number = 0;
  std::string project_id;
  std::string app_id;     // Empty: every app of the project.
  uint64_t app_hash = 0;  // AppHash(app_id), to compare with a token's; 0 when app_id is empty.
};

}  // namespace godwit::server
