#include "server/api/storage_messages.h"

#include <algorithm>

#include "base/time_format.h"
#include "server/http/header_text.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

constexpr size_t kMetadataMax = 8 << 10;
constexpr size_t kHeaderValueMax = 1 << 10;

// Metadata that comes back as a header of the bytes.
struct HeaderField {
  const char* json;
  const char* header;
};
constexpr HeaderField kHeaderFields[] = {{"cacheControl", "Cache-Control"},
                                         {"contentDisposition", "Content-Disposition"},
                                         {"contentEncoding", "Content-Encoding"},
                                         {"contentLanguage", "Content-Language"}};

Json StoredMetadata(std::string_view text) {
  auto json = Json::Parse(text);
  return json.ok() ? *std::move(json) : Json::Object();
}

// The owner's own key-value pairs after a change: null removes one, or, in place of the object,
// all.
Result<Json> MergeCustom(const Json& stored, const Json& change) {
  Json merged = Json::Object();
  if (change.is_null()) return merged;
  if (!change.is_object()) {
    return Status(StatusCode::kInvalidArgument, "metadata must be an object of texts");
  }
  for (const auto& [name, value] : stored.members()) {
    if (!change.Has(name)) merged.Set(name, value);
  }
  for (const auto& [name, value] : change.members()) {
    if (value.is_null()) continue;
    if (value.is_object() || value.is_array()) {
      return Status(StatusCode::kInvalidArgument, "metadata must be an object of texts");
    }
    merged.Set(name, value.is_string() ? value : Json(value.Serialize()));
  }
  return merged;
}

Result<Precondition> ReadConditions(const QueryParameters& query, const std::string& prefix) {
  Precondition precondition;
  GODWIT_ASSIGN_OR_RETURN(precondition.generation_match,
                          ReadNumber(query, prefix + "GenerationMatch"));
  GODWIT_ASSIGN_OR_RETURN(precondition.generation_not_match,
                          ReadNumber(query, prefix + "GenerationNotMatch"));
  GODWIT_ASSIGN_OR_RETURN(precondition.metageneration_match,
                          ReadNumber(query, prefix + "MetagenerationMatch"));
  GODWIT_ASSIGN_OR_RETURN(precondition.metageneration_not_match,
                          ReadNumber(query, prefix + "MetagenerationNotMatch"));
  return precondition;
}

std::string Etag(const Object& object) {
  return object.digest.ToHex() + "/" + std::to_string(object.metageneration);
}

Status ReadContentHeaders(const RequestHead& head, ObjectWrite* write) {
  const std::string_view hash = head.Find("x-goog-content-sha256");
  if (!hash.empty() && hash != "UNSIGNED-PAYLOAD") {
    GODWIT_ASSIGN_OR_RETURN(write->sha256,
                            Digest::Parse(hash).WithContext("x-goog-content-sha256"));
  }
  const std::string_view range = head.Find("x-goog-content-length-range");
  if (range.empty()) return Status::Ok();
  const size_t comma = std::min(range.find(','), range.size());
  const auto min = ParseInt(range.substr(0, comma));
  const auto max = ParseInt(range.substr(std::min(range.size(), comma + 1)));
  if (!min || !max || *min < 0 || *min > *max) {
    return Status(
        StatusCode::kInvalidArgument,
        "x-goog-content-length-range must be the least and the greatest size, like 0,100");
  }
  write->size_range = SizeRange{static_cast<uint64_t>(*min), static_cast<uint64_t>(*max)};
  return Status::Ok();
}

}  // namespace

std::string QuotedEtag(const Object& object) { return '"' + Etag(object) + '"'; }

Json ObjectJson(const std::string& origin, const Object& object) {
  const std::string generation = std::to_string(object.generation);
  const std::string path = "/storage/v1/b/" + object.bucket + "/o/" + PercentEncode(object.name);
  Json json = Json::Object({
      {"kind", "storage#object"},
      {"id", object.bucket + "/" + object.name + "/" + generation},
      {"selfLink", origin + path},
      {"mediaLink", origin + "/download" + path + "?generation=" + generation + "&alt=media"},
      {"name", object.name},
      {"bucket", object.bucket},
      {"generation", generation},
      {"metageneration", std::to_string(object.metageneration)},
      {"contentType", object.content_type},
      {"storageClass", "STANDARD"},
      {"size", std::to_string(object.size_bytes)},
      {"crc32c", EncodeCrc32c(object.crc32c)},
      {"etag", Etag(object)},
      {"timeCreated", FormatTimeMillis(object.create_time_ms)},
      {"updated", FormatTimeMillis(object.update_time_ms)},
  });
  if (!object.md5.empty()) json.Set("md5Hash", object.md5);
  const Json metadata = StoredMetadata(object.metadata);
  for (const auto& [name, value] : metadata.members()) json.Set(name, value);
  return json;
}

Json BucketJson(const std::string& origin, const Bucket& bucket) {
  const std::string time = FormatTimeMillis(bucket.create_time_ms);
  // Access is by project alone, which is what "uniform" access means to the clients.
  const Json uniform = Json::Object({{"enabled", true}});
  return Json::Object(
      {{"kind", "storage#bucket"},
       {"id", bucket.name},
       {"selfLink", origin + "/storage/v1/b/" + bucket.name},
       {"name", bucket.name},
       {"location", "LOCAL"},
       {"storageClass", "STANDARD"},
       {"metageneration", "1"},
       {"etag", "1"},
       {"timeCreated", time},
       {"updated", time},
       {"iamConfiguration", Json::Object({{"uniformBucketLevelAccess", uniform}})}});
}

Status CheckHeaderValue(std::string_view name, std::string_view value) {
  const bool clean =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (clean && value.size() <= kHeaderValueMax) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                std::string(name) + " must be at most " + std::to_string(kHeaderValueMax) +
                    " characters of printable ASCII, because answers carry it as a header");
}

Result<Json> ParseResource(std::string_view body) {
  if (body.empty()) return Json::Object();
  JsonLimits limits;
  limits.bytes_max = 64 << 10;
  GODWIT_ASSIGN_OR_RETURN(Json json, Json::Parse(body, limits));
  if (json.is_object()) return json;
  return Status(StatusCode::kInvalidArgument, "the resource must be a JSON object");
}

Status ReadObjectMetadata(const Json& resource, ObjectWrite* write) {
  const auto take = [&resource](const char* name, std::string* target) -> Status {
    std::string text;
    GODWIT_RETURN_IF_ERROR(resource.ReadString(name, &text));
    if (!text.empty()) *target = std::move(text);
    return Status::Ok();
  };
  GODWIT_RETURN_IF_ERROR(take("name", &write->name));
  GODWIT_RETURN_IF_ERROR(take("crc32c", &write->hashes.crc32c));
  GODWIT_RETURN_IF_ERROR(take("md5Hash", &write->hashes.md5));
  return EditObjectMetadata(resource, &write->content_type, &write->metadata);
}

Status EditObjectMetadata(const Json& resource, std::string* content_type, std::string* metadata) {
  Json stored = StoredMetadata(*metadata);
  if (resource.Has("contentType")) {
    std::string type;
    GODWIT_RETURN_IF_ERROR(resource.ReadString("contentType", &type));
    if (!type.empty() || resource["contentType"].is_null()) *content_type = std::move(type);
  }
  GODWIT_RETURN_IF_ERROR(CheckHeaderValue("contentType", *content_type));
  for (const HeaderField& field : kHeaderFields) {
    if (!resource.Has(field.json)) continue;
    std::string value;
    GODWIT_RETURN_IF_ERROR(resource.ReadString(field.json, &value));
    GODWIT_RETURN_IF_ERROR(CheckHeaderValue(field.json, value));
    stored.Set(field.json, value);
  }
  if (resource.Has("metadata")) {
    GODWIT_ASSIGN_OR_RETURN(Json custom, MergeCustom(stored["metadata"], resource["metadata"]));
    stored.Set("metadata", std::move(custom));
  }
  Json kept = Json::Object();
  for (const auto& [name, value] : stored.members()) {
    if (!value.AsString().empty() || !value.members().empty()) kept.Set(name, value);
  }
  *metadata = kept.members().empty() ? std::string() : kept.Serialize();
  if (metadata->size() <= kMetadataMax) return Status::Ok();
  return Status(StatusCode::kInvalidArgument, "the object's metadata is larger than the " +
                                                  std::to_string(kMetadataMax) +
                                                  " bytes that this server keeps; send less");
}

Status ReadMediaHeaders(const RequestHead& head, ObjectWrite* write) {
  constexpr std::string_view kCustom = "x-goog-meta-";
  write->hashes = ParseHashHeader(head.Find("x-goog-hash"));
  if (const auto md5 = head.Find("Content-MD5"); !md5.empty()) write->hashes.md5 = md5;
  const auto condition = [&](std::string_view name, std::optional<int64_t>* target) -> Status {
    const std::string_view text = head.Find(name);
    if (text.empty()) return Status::Ok();
    *target = ParseInt(text);
    if (*target) return Status::Ok();
    return Status(StatusCode::kInvalidArgument, std::string(name) + " must be a number");
  };
  GODWIT_RETURN_IF_ERROR(
      condition("x-goog-if-generation-match", &write->precondition.generation_match));
  GODWIT_RETURN_IF_ERROR(
      condition("x-goog-if-metageneration-match", &write->precondition.metageneration_match));
  GODWIT_RETURN_IF_ERROR(ReadContentHeaders(head, write));
  Json resource = Json::Object();
  Json custom = Json::Object();
  for (const HeaderField& field : kHeaderFields) {
    if (const auto value = head.Find(field.header); !value.empty()) resource.Set(field.json, value);
  }
  for (const RequestHead::Header& header : head.headers) {
    const std::string_view name = header.name;
    if (EqualsIgnoringCase(name.substr(0, kCustom.size()), kCustom)) {
      custom.Set(name.substr(kCustom.size()), header.value);
    }
  }
  if (!custom.members().empty()) resource.Set("metadata", std::move(custom));
  write->content_type = head.Find("Content-Type");
  return EditObjectMetadata(resource, &write->content_type, &write->metadata);
}

std::string SessionUrl(const std::string& origin, const ObjectWrite& write, const std::string& id) {
  return origin + "/upload/storage/v1/b/" + write.bucket +
         "/o?uploadType=resumable&upload_id=" + id;
}

std::vector<std::pair<std::string, std::string>> MediaHeaders(const Object& object) {
  std::string hashes = "crc32c=" + EncodeCrc32c(object.crc32c);
  if (!object.md5.empty()) hashes += ",md5=" + object.md5;
  std::vector<std::pair<std::string, std::string>> headers = {
      {"Content-Type", object.content_type},
      {"x-goog-hash", std::move(hashes)},
      {"x-goog-generation", std::to_string(object.generation)},
      {"x-goog-metageneration", std::to_string(object.metageneration)},
      {"x-goog-stored-content-length", std::to_string(object.size_bytes)}};
  const Json metadata = StoredMetadata(object.metadata);
  for (const HeaderField& field : kHeaderFields) {
    if (metadata.Has(field.json))
      headers.emplace_back(field.header, metadata[field.json].AsString());
  }
  return headers;
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

Result<std::optional<int64_t>> ReadNumber(const QueryParameters& query, std::string_view name) {
  const std::string_view text = query.Get(name);
  if (text.empty()) return std::optional<int64_t>();
  const std::optional<int64_t> number = ParseInt(text);
  if (number && *number >= 0) return number;
  return Status(StatusCode::kInvalidArgument, std::string(name) + " must be a number from 0");
}

Result<Precondition> ReadPrecondition(const QueryParameters& query) {
  return ReadConditions(query, "if");
}

Result<Precondition> ReadSourcePrecondition(const QueryParameters& query) {
  return ReadConditions(query, "ifSource");
}

}  // namespace godwit::server
