// Objects and buckets as Cloud Storage's JSON API writes them.
#pragma once

#include <string>
#include <string_view>

#include "protocol/json.h"
#include "server/api/request_target.h"
#include "server/storage/object_store.h"

namespace godwit::server {

// "a b/c" as "a%20b%2Fc": one path segment.
std::string PercentEncode(std::string_view text);

// origin: "https://host" of the links in it.
Json ObjectJson(const std::string& origin, const Object& object);
Json BucketJson(const std::string& origin, const std::string& bucket, int64_t create_time_ms);

// Fills name, content type and declared hashes from an object resource that a client sends;
// what is absent stays as it is. kInvalidArgument when it is no JSON object, a field has another
// type, or the content type cannot be one.
Status ReadObjectMetadata(std::string_view body, ObjectWrite* write);

// kInvalidArgument unless the type can be sent as a header.
Status CheckContentType(std::string_view type);

// "crc32c=AAAAAA==,md5=…" of the x-goog-hash header, several headers joined by commas.
DeclaredHashes ParseHashHeader(std::string_view value);

// ifGenerationMatch and ifGenerationNotMatch; kInvalidArgument when they are no numbers.
Result<Precondition> ReadPrecondition(const QueryParameters& query);

}  // namespace godwit::server
