// ObjectStore: buckets, as Cloud Storage has them, as names over blobs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "digest/digest.h"
#include "server/blob/blob_store.h"
#include "server/db/database.h"

namespace godwit::server {

// A name in a bucket and the blob that it stands for. A value type.
struct Object {
  std::string bucket;
  std::string name;
  int64_t project_number = 0;
  int64_t generation = 0;  // Grows with every overwrite.
  Digest digest;
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
  std::string md5;  // Base64; empty when nobody asked for it.
  std::string content_type;
  int64_t create_time_ms = 0;

  std::string Uri() const { return "gs://" + bucket + "/" + name; }
};

// Checksums that the sender claims, in Cloud Storage's base64 forms; empty: not given.
struct DeclaredHashes {
  std::string crc32c;
  std::string md5;
};

// A condition on the generation that is there now; 0 stands for "no object".
struct Precondition {
  std::optional<int64_t> generation_match;
  std::optional<int64_t> generation_not_match;
};

// What an upload is to become.
struct ObjectWrite {
  int64_t project_number = 0;
  std::string bucket;
  std::string name;
  std::string content_type;
  DeclaredHashes hashes;
  Precondition precondition;
};

struct ObjectQuery {
  std::string prefix;
  std::string delimiter;
  std::string page_token;
  int limit = 1000;
};

struct ObjectPage {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;
  std::string next_page_token;  // Empty on the last page.
};

// Base64 of the big-endian CRC-32C, as Cloud Storage writes it.
std::string EncodeCrc32c(uint32_t crc32c);

// kInvalidArgument unless `bucket` is 3 to 63 of a-z0-9_.- and no name that a path of ours has,
// and `name` is 1 to 1024 bytes of UTF-8 without line breaks and NUL.
Status CheckObjectName(std::string_view bucket, std::string_view name);
Status CheckBucketName(std::string_view bucket);

// Thread-safe; everything blocks on the disk. A bucket comes into being with its first object
// and belongs to the project that wrote it: to any other it is kPermissionDenied.
class ObjectStore {
 public:
  // All must outlive the store.
  ObjectStore(Database& db, BlobStore& blobs, const Clock& clock)
      : db_(db), blobs_(blobs), clock_(clock) {}

  BlobStore& blobs() { return blobs_; }

  // Makes the uploaded bytes a blob and gives it the name. kDataLoss when a declared hash does
  // not match (the name is then unchanged), kFailedPrecondition when the precondition fails.
  Result<Object> Finish(const ObjectWrite& write, BlobUpload& upload);

  // kNotFound when there is no such object.
  Result<Object> Find(int64_t project_number, const std::string& bucket, const std::string& name);
  Status Delete(int64_t project_number, const std::string& bucket, const std::string& name,
                const Precondition& precondition);
  // In the order of names. kInvalidArgument for a limit outside 1 to 1000.
  Result<ObjectPage> List(int64_t project_number, const std::string& bucket,
                          const ObjectQuery& query);

  // Makes the bucket when it is absent. Returns its create time.
  Result<int64_t> EnsureBucket(int64_t project_number, const std::string& bucket);
  Result<std::vector<std::pair<std::string, int64_t>>> ListBuckets(int64_t project_number);

  // Held shared from the moment that bytes become a blob until a row refers to it; held
  // exclusively while the collector decides that no row does.
  std::shared_mutex& reference_mutex() { return reference_mutex_; }

 private:
  Database& db_;
  BlobStore& blobs_;
  const Clock& clock_;
  std::shared_mutex reference_mutex_;
};

}  // namespace godwit::server
