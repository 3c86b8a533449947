// Apps: what an installation belongs to; known by a package name, a bundle id, or nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/access/access_store.h"

namespace godwit::server {

struct NewApp {
  std::string_view platform;  // android, ios or web.
  std::string_view display_name;
  std::string_view identity;  // Package name or bundle id; may be empty.
};

// Thread-safe; blocks on the disk. Everything acts on by.project_number. Read apps from the
// store's snapshot, where they are sorted by id.
class Apps {
 public:
  explicit Apps(AccessStore& access) : access_(access) {}

  // kAlreadyExists when the project has an app of this platform with this identity.
  Result<App> Create(const Principal& by, const NewApp& app);
  // kNotFound when the project has no such app; so below.
  Result<App> Rename(const Principal& by, std::string_view app_id, std::string_view display_name);
  // Its installations, their tokens and the keys restricted to it stop working at once.
  Status Delete(const Principal& by, std::string_view app_id);

  // Fingerprints of an Android app's signing certificates, in lower-case hex, sorted: 40 digits
  // of SHA-1 or 64 of SHA-256.
  Result<std::vector<std::string>> ListCertificates(const Principal& by, std::string_view app_id);
  // Any case, with or without colons. Returns the stored form. Adding twice is Ok.
  Result<std::string> AddCertificate(const Principal& by, std::string_view app_id,
                                     std::string_view fingerprint);
  Status DeleteCertificate(const Principal& by, std::string_view app_id,
                           std::string_view fingerprint);

 private:
  Result<App> Find(const Principal& by, std::string_view app_id) const;
  Status Log(SqlConnection& sql, const Principal& by, std::string_view action,
             std::string_view app_id, std::string detail) const;

  AccessStore& access_;
};

}  // namespace godwit::server
