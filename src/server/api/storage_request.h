// StorageRequest: what Cloud Storage's requests have in common: their path, their account, the
// links in their answers.
#pragma once

#include <optional>
#include <string>

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// A path of the JSON API.
struct StoragePath {
  std::string bucket;       // Empty in ".../b".
  std::string object_name;  // Empty in ".../o".
  bool upload = false;
  bool download = false;
  bool objects = false;              // ".../o" or below.
  std::vector<std::string> actions;  // What follows: "compose", "rewriteTo/b/BUCKET/o/NAME" …
};

// With and without /storage/v1 in front, and with it doubled: emulator settings of clients do
// all three. kNotFound when it is none.
Result<StoragePath> ParseStoragePath(const RequestTarget& target);

// The project whose buckets the request may use. An access token decides, or, in emulator mode
// and without one, the first project.
Result<int64_t> AuthorizeStorage(const ApiServices& services, const RequestHead& head);

// "https://host" for links in the answer: the request's Host if it is a name of this server.
std::string StorageOrigin(const ApiServices& services, const RequestHead& head);

// kInvalidArgument when the request asks for a public object: Godwit keeps no access lists.
Status RefuseAccessLists(const QueryParameters& query);
Status NoAccessLists();

}  // namespace godwit::server
