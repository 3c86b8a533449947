// Objects: what a bucket holds, and what may be said of one. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"

namespace godwit::server {

// Of an object whose writer named none.
inline constexpr char kDefaultContentType[] = "application/octet-stream";

// A name in a bucket and the blob that it stands for.
struct Object {
  std::string bucket;
  std::string name;
  int64_t project_number = 0;
  int64_t generation = 0;      // Grows with every overwrite.
  int64_t metageneration = 1;  // Counts changes of the metadata within a generation.
  Digest digest;
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
  std::string md5;  // Base64; empty when nobody asked for it.
  std::string content_type;
  std::string metadata;  // What else its writer says of it: a JSON object; empty: nothing.
  int64_t create_time_ms = 0;
  int64_t update_time_ms = 0;
  std::string idempotency_token;  // Of the request that wrote it; empty when it had none.

  std::string Uri() const { return "gs://" + bucket + "/" + name; }
};

struct Bucket {
  std::string name;
  int64_t create_time_ms = 0;
};

// Checksums that the sender claims, in Cloud Storage's base64 forms; empty: not given.
struct DeclaredHashes {
  std::string crc32c;
  std::string md5;
};

// How many bytes an object may have, both ends included.
struct SizeRange {
  uint64_t min_bytes = 0;
  uint64_t max_bytes = 0;
};

// Conditions on what is there now; generation 0 stands for "no object".
struct Precondition {
  std::optional<int64_t> generation_match;
  std::optional<int64_t> generation_not_match;
  std::optional<int64_t> metageneration_match;
  std::optional<int64_t> metageneration_not_match;
};

// What an upload is to become.
struct ObjectWrite {
  int64_t project_number = 0;
  std::string bucket;
  std::string name;
  std::string content_type;
  std::string metadata;  // As in Object.
  DeclaredHashes hashes;
  // What a request's own body is bound to; upload sessions keep neither.
  std::optional<Digest> sha256;
  std::optional<SizeRange> size_range;
  bool wants_md5 = false;  // Even if none is declared.
  Precondition precondition;
  // A request that comes again with the token of the last write, and with its bytes, is answered
  // as it was.
  std::string idempotency_token;
};

// An object that another is made of.
struct ObjectSource {
  std::string bucket;
  std::string name;
  std::optional<int64_t> generation;  // kNotFound when it is another by now.
  Precondition precondition;
};

struct ObjectQuery {
  std::string prefix;
  std::string delimiter;
  std::string page_token;
  std::string start_offset;  // The first name that may be listed; empty: any.
  std::string end_offset;    // The first that may not; empty: none.
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
// and `name` is 1 to 1024 bytes of UTF-8 without control characters, and neither "." nor "..".
Status CheckObjectName(std::string_view bucket, std::string_view name);
Status CheckBucketName(std::string_view bucket);

// kFailedPrecondition unless all of it holds; present: null when there is no object.
Status CheckPrecondition(const Precondition& precondition, const Object* present);

// kInvalidArgument when the range leaves the size out.
Status CheckSizeRange(const std::optional<SizeRange>& range, uint64_t size_bytes);

}  // namespace godwit::server
