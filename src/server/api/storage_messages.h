// Objects and buckets as Cloud Storage's JSON API writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/json.h"
#include "server/api/request_target.h"
#include "server/storage/object.h"

namespace godwit::server {

// origin: "https://host" of the links in it.
Json ObjectJson(const std::string& origin, const Object& object);
Json BucketJson(const std::string& origin, const Bucket& bucket);

// The object's etag as the ETag header has it: of its bytes and of what is said of them.
std::string QuotedEtag(const Object& object);

// A resource as a client sends it: a JSON object, or nothing at all. kInvalidArgument otherwise.
Result<Json> ParseResource(std::string_view body);

// Fills name, content type, metadata and declared hashes from an object resource; what is absent
// stays as it is.
Status ReadObjectMetadata(const Json& resource, ObjectWrite* write);

// The metadata that an owner may change, each value fit for a response's header. A null removes;
// what is absent stays.
Status EditObjectMetadata(const Json& resource, std::string* content_type, std::string* metadata);

// The headers of an object's bytes: type, hashes, generation and what its metadata says.
std::vector<std::pair<std::string, std::string>> MediaHeaders(const Object& object);

// kInvalidArgument unless the value may stand in a response's header.
Status CheckHeaderValue(std::string_view name, std::string_view value);

// Fills what the headers of an upload's bytes say: content type, hashes, metadata (Cache-Control,
// x-goog-meta-NAME …), preconditions (x-goog-if-generation-match …) and what a signed URL may bind
// the bytes to (x-goog-content-sha256, x-goog-content-length-range).
Status ReadMediaHeaders(const RequestHead& head, ObjectWrite* write);

// The URL of a resumable upload.
std::string SessionUrl(const std::string& origin, const ObjectWrite& write, const std::string& id);

// "crc32c=AAAAAA==,md5=…" of the x-goog-hash header, several headers joined by commas.
DeclaredHashes ParseHashHeader(std::string_view value);

// ifGenerationMatch, ifMetagenerationMatch and their Not forms; kInvalidArgument when they are no
// numbers.
Result<Precondition> ReadPrecondition(const QueryParameters& query);
// The same of a copy's source: ifSourceGenerationMatch …
Result<Precondition> ReadSourcePrecondition(const QueryParameters& query);
// The query's number; nullopt when it is absent.
Result<std::optional<int64_t>> ReadNumber(const QueryParameters& query, std::string_view name);

}  // namespace godwit::server
