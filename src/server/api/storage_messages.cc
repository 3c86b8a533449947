#include "server/api/storage_messages.h"

#include <algorithm>
#include <cctype>

#include "base/time_format.h"

namespace godwit::server {

std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 15]);
    }
  }
  return encoded;
}

Json ObjectJson(const std::string& origin, const Object& object) {
  const std::string generation = std::to_string(object.generation);
  const std::string path = "/storage/v1/b/" + object.bucket + "/o/" + PercentEncode(object.name);
  const std::string time = FormatTimeMillis(object.create_time_ms);
  Json json = Json::Object({
      {"kind", "storage#object"},
      {"id", object.bucket + "/" + object.name + "/" + generation},
      {"selfLink", origin + path},
      {"mediaLink", origin + "/download" + path + "?generation=" + generation + "&alt=media"},
      {"name", object.name},
      {"bucket", object.bucket},
      {"generation", generation},
      {"metageneration", "1"},
      {"contentType", object.content_type},
      {"storageClass", "STANDARD"},
      {"size", std::to_string(object.size_bytes)},
      {"crc32c", EncodeCrc32c(object.crc32c)},
      {"etag", object.digest.ToHex()},
      {"timeCreated", time},
      {"updated", time},
  });
  if (!object.md5.empty()) json.Set("md5Hash", object.md5);
  return json;
}

Json BucketJson(const std::string& origin, const std::string& bucket, int64_t create_time_ms) {
  const std::string time = FormatTimeMillis(create_time_ms);
  return Json::Object({{"kind", "storage#bucket"},
                       {"id", bucket},
                       {"selfLink", origin + "/storage/v1/b/" + bucket},
                       {"name", bucket},
                       {"location", "LOCAL"},
                       {"storageClass", "STANDARD"},
                       {"metageneration", "1"},
                       {"etag", "1"},
                       {"timeCreated", time},
                       {"updated", time}});
}

Status CheckContentType(std::string_view type) {
  constexpr size_t kTypeMax = 256;
  const bool printable =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (printable && type.size() <= kTypeMax) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "contentType must be at most " + std::to_string(kTypeMax) +
                    " characters of printable ASCII, because answers carry it as a header");
}

Status ReadObjectMetadata(std::string_view body, ObjectWrite* write) {
  if (body.empty()) return CheckContentType(write->content_type);
  JsonLimits limits;
  limits.bytes_max = 64 << 10;
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(body, limits));
  if (!json.is_object()) {
    return Status(StatusCode::kInvalidArgument, "the object's metadata must be a JSON object");
  }
  const auto take = [&json](const char* name, std::string* target) -> Status {
    std::string text;
    GODWIT_RETURN_IF_ERROR(json.ReadString(name, &text));
    if (!text.empty()) *target = std::move(text);
    return Status::Ok();
  };
  GODWIT_RETURN_IF_ERROR(take("name", &write->name));
  GODWIT_RETURN_IF_ERROR(take("contentType", &write->content_type));
  GODWIT_RETURN_IF_ERROR(take("crc32c", &write->hashes.crc32c));
  GODWIT_RETURN_IF_ERROR(take("md5Hash", &write->hashes.md5));
  return CheckContentType(write->content_type);
}

DeclaredHashes ParseHashHeader(std::string_view value) {
  DeclaredHashes hashes;
  while (!value.empty()) {
    const size_t end = std::min(value.find(','), value.size());
    std::string_view part = value.substr(0, end);
    value.remove_prefix(std::min(value.size(), end + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.starts_with("crc32c=")) hashes.crc32c = part.substr(7);
    if (part.starts_with("md5=")) hashes.md5 = part.substr(4);
  }
  return hashes;
}

Result<Precondition> ReadPrecondition(const QueryParameters& query) {
  Precondition precondition;
  const auto read = [&](std::string_view name, std::optional<int64_t>* target) -> Status {
    const std::string_view text = query.Get(name);
    if (text.empty()) return Status::Ok();
    *target = ParseInt(text);
    if (*target) return Status::Ok();
    return Status(StatusCode::kInvalidArgument, std::string(name) + " must be a number");
  };
  GODWIT_RETURN_IF_ERROR(read("ifGenerationMatch", &precondition.generation_match));
  GODWIT_RETURN_IF_ERROR(read("ifGenerationNotMatch", &precondition.generation_not_match));
  return precondition;
}

}  // namespace godwit::server
