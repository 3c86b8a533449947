// What `:download` asks and answers, for the server that writes it and the device that reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/model_address.h"

namespace godwit {

// Inputs of a version with the outputs that it must give for them (docs/formats/golden.md).
struct GoldenFile {
  std::string uri;
  std::string hash;  // Lower-case hex SHA-256 of the file.
  uint64_t size_bytes = 0;
  friend bool operator==(const GoldenFile&, const GoldenFile&) = default;
};
inline constexpr uint64_t kGoldenMaxBytes = 16 << 20;

// The answer with status 200: a link to the model's file and what the file will be.
struct DownloadReply {
  std::string download_uri;
  int64_t expire_time_ms = 0;  // When the link runs out; milliseconds since 1970 UTC.
  uint64_t size_bytes = 0;
  std::string model_format = "TFLITE";
  uint64_t model_version = 0;  // Counts from 1; 0: not said (a field that Firebase lacks).
  std::string model_hash;      // Lower-case hex SHA-256 of the file; travels as the ETag header.
  std::optional<GoldenFile> golden = {};  // A field that Firebase lacks, too.
};

// "/v1beta2/projects/{project}/models/{address}:download".
std::string DownloadPath(std::string_view project_id, const ModelAddress& address);

// The body; the ETag header, raw and without quotes, is the caller's.
std::string SerializeDownloadReply(const DownloadReply& reply);

// Reads sizeBytes as a string or a number, expireTime with any fraction, and an ETag that a
// proxy quoted or weakened. kDataLoss when a part is missing or malformed.
Result<DownloadReply> ParseDownloadReply(std::string_view body, std::string_view etag_header);

// Whether the text is 64 lower-case hex digits.
bool IsSha256Hex(std::string_view text);

// Whether a device may follow downloadUri: http or https with a host, whichever that is, and no
// plain http where the server itself was asked by https.
Status CheckDownloadUri(std::string_view uri, std::string_view server_url);

// "abc" for `abc`, `"abc"`, `W/"abc"` and `"abc--gzip"`.
std::string_view UnquoteEtag(std::string_view etag_header);

}  // namespace godwit
