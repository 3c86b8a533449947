// Where a model file lies: the URIs that an Admin SDK sends for an object of our storage.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::server {

struct StorageUri {
  std::string bucket;
  std::string object_name;
};

// "gs://bucket/object", or the link form "http(s)://host/bucket/percent-encoded-object?…" when
// is_storage_host(host, with its port) says yes. Never fetches anything, so a link's signature
// protects nothing here: the caller is authenticated by its own token. kInvalidArgument
// otherwise.
Result<StorageUri> ParseStorageUri(std::string_view uri,
                                   const std::function<bool(std::string_view)>& is_storage_host);

// storage.googleapis.com and the other names that Google's clients call storage by. A proxy or a
// name server led such a request here; nothing is ever asked of Google's.
bool IsGoogleStorageHost(std::string_view host);

// The host without the port that may follow it.
std::string_view WithoutPort(std::string_view host);

// The bucket of "BUCKET.storage.googleapis.com" at any port; empty for any other host.
std::string_view BucketOfHost(std::string_view host);

// "a b/c" as "a%20b%2Fc": one path segment. What `kept` names is not encoded.
std::string PercentEncode(std::string_view text, std::string_view kept = "");

// "a b" for "a%20b"; '+' stays. kInvalidArgument for a broken escape.
Result<std::string> PercentDecode(std::string_view text);

}  // namespace godwit::server
