// Projects: each with its own models, files, apps, keys and accounts.
#pragma once

#include <string_view>

#include "server/access/access_store.h"

namespace godwit::server {

// Thread-safe; blocks on the disk. Read projects from the store's snapshot.
class Projects {
 public:
  explicit Projects(AccessStore& access) : access_(access) {}

  // kInvalidArgument for a wrong id, kAlreadyExists for a taken one.
  Result<Project> Create(const Principal& by, std::string_view id, std::string_view display_name);

  // With its apps, keys, accounts and installations, all of which stop working at once.
  // kFailedPrecondition while it has models, files or uploads, because those are what somebody
  // would miss, and for the project of the one who asks.
  Status Delete(const Principal& by, int64_t number);

 private:
  AccessStore& access_;
};

}  // namespace godwit::server
