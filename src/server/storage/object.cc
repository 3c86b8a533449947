#include "server/storage/object.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "crypto/crypto.h"

namespace godwit::server {
namespace {

bool Holds(const std::optional<int64_t>& match, const std::optional<int64_t>& not_match,
           int64_t present) {
  return (!match || *match == present) && (!not_match || *not_match != present);
}

}  // namespace

std::string EncodeCrc32c(uint32_t crc32c) {
  const std::array<uint8_t, 4> big_endian{
      static_cast<uint8_t>(crc32c >> 24), static_cast<uint8_t>(crc32c >> 16),
      static_cast<uint8_t>(crc32c >> 8), static_cast<uint8_t>(crc32c)};
  return Base64Encode(std::as_bytes(std::span(big_endian)));
}

Status CheckBucketName(std::string_view bucket) {
  // First segments of our own paths, for the XML API's "/bucket/object" stands beside them.
  constexpr std::array<std::string_view, 12> kReserved = {
      "v1beta2", "upload", "download", "storage", "batch",   "token",
      "oauth2",  "blobs",  "healthz",  "readyz",  "metrics", "console"};
  const bool characters_ok = std::all_of(bucket.begin(), bucket.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
  const bool reserved = std::find(kReserved.begin(), kReserved.end(), bucket) != kReserved.end();
  if (bucket.size() >= 3 && bucket.size() <= 63 && characters_ok && !reserved) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "Invalid bucket name: 3 to 63 of a-z, 0-9, '_', '.' and '-' are allowed");
}

Status CheckObjectName(std::string_view bucket, std::string_view name) {
  GODWIT_RETURN_IF_ERROR(CheckBucketName(bucket));
  constexpr size_t kNameMax = 1024;
  if (!name.empty() && name.size() <= kNameMax && name != "." && name != ".." &&
      IsPrintableUtf8(name)) {
    return Status::Ok();
  }
  return Status(
      StatusCode::kInvalidArgument,
      "Invalid object name: 1 to 1024 bytes of UTF-8 without control characters are allowed");
}

Status CheckPrecondition(const Precondition& precondition, const Object* present) {
  const int64_t generation = present != nullptr ? present->generation : 0;
  const int64_t metageneration = present != nullptr ? present->metageneration : 0;
  if (Holds(precondition.generation_match, precondition.generation_not_match, generation) &&
      Holds(precondition.metageneration_match, precondition.metageneration_not_match,
            metageneration)) {
    return Status::Ok();
  }
  return Status(StatusCode::kFailedPrecondition,
                "At least one of the pre-conditions you specified did not hold.");
}

Status CheckSizeRange(const std::optional<SizeRange>& range, uint64_t size_bytes) {
  if (!range || (range->min_bytes <= size_bytes && size_bytes <= range->max_bytes)) {
    return Status::Ok();
  }
  return Status(StatusCode::kInvalidArgument,
                "the object of " + std::to_string(size_bytes) + " bytes is not within the " +
                    std::to_string(range->min_bytes) + " to " + std::to_string(range->max_bytes) +
                    " bytes that x-goog-content-length-range allows, so nothing was stored");
}

}  // namespace godwit::server
