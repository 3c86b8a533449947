#include "server/storage/object_store.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr std::string_view kColumns =
    "bucket, object_name, project_number, generation, sha256, size_bytes, crc32c, md5, "
    "content_type, create_time_ms";

Result<Object> ObjectFromRow(const SqlRow& row) {
  GODWIT_ASSIGN_OR_RETURN(const Digest digest, Digest::Parse(row.Text(4)));
  Object object;
  object.bucket = row.Text(0);
  object.name = row.Text(1);
  object.project_number = row.Int(2);
  object.generation = row.Int(3);
  object.digest = digest;
  object.size_bytes = static_cast<uint64_t>(row.Int(5));
  object.crc32c = static_cast<uint32_t>(row.Int(6));
  object.md5 = row.Text(7);
  object.content_type = row.Text(8);
  object.create_time_ms = row.Int(9);
  return object;
}

Status NoSuchObject(const std::string& bucket, const std::string& name) {
  return Status(StatusCode::kNotFound, "No such object: " + bucket + "/" + name);
}

Status CheckOwner(const SqlRows& bucket_rows, int64_t project_number, const std::string& bucket) {
  if (bucket_rows.empty() || bucket_rows[0].Int(0) == project_number) return Status::Ok();
  return Status(StatusCode::kPermissionDenied,
                "the bucket '" + bucket + "' belongs to another project; choose another name");
}

Result<SqlRows> ReadBucket(SqlConnection& connection, const std::string& bucket) {
  return connection.Query("SELECT project_number, create_time_ms FROM buckets WHERE bucket = $1",
                          {bucket});
}

// The object that is there; nullopt when none is.
Result<std::optional<Object>> ReadObject(SqlConnection& connection, int64_t project_number,
                                         const std::string& bucket, const std::string& name) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows bucket_rows, ReadBucket(connection, bucket));
  GODWIT_RETURN_IF_ERROR(CheckOwner(bucket_rows, project_number, bucket));
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT " + std::string(kColumns) +
                           " FROM objects WHERE bucket = $1 AND object_name = $2",
                       {bucket, name}));
  if (rows.empty()) return std::optional<Object>();
  GODWIT_ASSIGN_OR_RETURN(Object object, ObjectFromRow(rows[0]));
  return std::optional<Object>(std::move(object));
}

Status CheckPrecondition(const Precondition& precondition, int64_t generation) {
  const bool holds =
      (!precondition.generation_match || *precondition.generation_match == generation) &&
      (!precondition.generation_not_match || *precondition.generation_not_match != generation);
  if (holds) return Status::Ok();
  return Status(StatusCode::kFailedPrecondition,
                "At least one of the pre-conditions you specified did not hold.");
}

Result<int64_t> EnsureBucketRow(SqlConnection& connection, int64_t project_number,
                                const std::string& bucket, int64_t now_ms) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, ReadBucket(connection, bucket));
  GODWIT_RETURN_IF_ERROR(CheckOwner(rows, project_number, bucket));
  if (!rows.empty()) return rows[0].Int(1);
  GODWIT_RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO buckets (bucket, project_number, create_time_ms) "
                   "VALUES ($1, $2, $3)",
                   {bucket, project_number, now_ms})
          .status());
  return now_ms;
}

Status PutObject(SqlConnection& connection, const Object& object) {
  return connection
      .Execute("INSERT INTO objects (" + std::string(kColumns) +
                   ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                   "ON CONFLICT (bucket, object_name) DO UPDATE SET generation = $4, sha256 = $5, "
                   "size_bytes = $6, crc32c = $7, md5 = $8, content_type = $9, "
                   "create_time_ms = $10",
               {object.bucket, object.name, object.project_number, object.generation,
                object.digest.ToHex(), static_cast<int64_t>(object.size_bytes),
                static_cast<int64_t>(object.crc32c), object.md5, object.content_type,
                object.create_time_ms})
      .status();
}

// Base64 MD5 of a whole blob.
Result<std::string> Md5OfBlob(BlobStore& blobs, const Digest& digest) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, blobs.Open(digest));
  std::vector<std::byte> buffer(256 << 10);
  Md5 md5;
  for (uint64_t offset = 0;;) {
    GODWIT_ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, buffer));
    if (count == 0) break;
    md5.Update(std::span(buffer).first(count));
    offset += count;
  }
  return Base64Encode(std::as_bytes(std::span<const uint8_t>(md5.Finish())));
}

Status HashMismatch(std::string_view kind, std::string_view declared, std::string_view computed) {
  return Status(StatusCode::kDataLoss, "Provided " + std::string(kind) + " \"" +
                                           std::string(declared) + "\" doesn't match calculated " +
                                           std::string(kind) + " \"" + std::string(computed) +
                                           "\"; the bytes changed on their way, send them again");
}

// The text behind every name that begins with prefix, in the order of bytes: UTF-8 has no 0xFF.
std::string PrefixEnd(const std::string& prefix) { return prefix + '\xFF'; }

}  // namespace

std::string EncodeCrc32c(uint32_t crc32c) {
  const std::array<uint8_t, 4> big_endian{
      static_cast<uint8_t>(crc32c >> 24), static_cast<uint8_t>(crc32c >> 16),
      static_cast<uint8_t>(crc32c >> 8), static_cast<uint8_t>(crc32c)};
  return Base64Encode(std::as_bytes(std::span(big_endian)));
}

Status CheckBucketName(std::string_view bucket) {
  constexpr std::array<std::string_view, 10> kReserved = {
      "v1beta2", "upload", "download", "storage", "batch",
      "token",   "oauth2", "blobs",    "healthz", "metrics"};
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
  const bool broken = name.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
  if (!name.empty() && name.size() <= kNameMax && !broken && IsUtf8(name)) return Status::Ok();
  return Status(
      StatusCode::kInvalidArgument,
      "Invalid object name: 1 to 1024 bytes of UTF-8 without line breaks and NUL are allowed");
}

Result<Object> ObjectStore::Finish(const ObjectWrite& write, BlobUpload& upload) {
  GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
  const std::shared_lock references(reference_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const BlobDescriptor blob, upload.Commit());
  Object object;
  object.bucket = write.bucket;
  object.name = write.name;
  object.project_number = write.project_number;
  object.digest = blob.digest;
  object.size_bytes = blob.size_bytes;
  object.crc32c = blob.crc32c;
  object.content_type =
      write.content_type.empty() ? "application/octet-stream" : write.content_type;
  object.create_time_ms = clock_.NowMs();
  const std::string crc32c = EncodeCrc32c(blob.crc32c);
  if (!write.hashes.crc32c.empty() && write.hashes.crc32c != crc32c) {
    return HashMismatch("crc32c", write.hashes.crc32c, crc32c);
  }
  if (!write.hashes.md5.empty()) {
    GODWIT_ASSIGN_OR_RETURN(object.md5, Md5OfBlob(blobs_, blob.digest));
    if (write.hashes.md5 != object.md5) {
      return HashMismatch("md5Hash", write.hashes.md5, object.md5);
    }
  }
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(
        EnsureBucketRow(connection, write.project_number, write.bucket, object.create_time_ms)
            .status());
    GODWIT_ASSIGN_OR_RETURN(const auto present,
                            ReadObject(connection, write.project_number, write.bucket, write.name));
    const int64_t generation = present ? present->generation : 0;
    GODWIT_RETURN_IF_ERROR(CheckPrecondition(write.precondition, generation));
    object.generation = std::max(object.create_time_ms * 1000, generation + 1);
    return PutObject(connection, object);
  }));
  return object;
}

Result<Object> ObjectStore::Find(int64_t project_number, const std::string& bucket,
                                 const std::string& name) {
  std::optional<Object> object;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(object, ReadObject(connection, project_number, bucket, name));
    return Status::Ok();
  }));
  if (!object) return NoSuchObject(bucket, name);
  return *std::move(object);
}

Status ObjectStore::Delete(int64_t project_number, const std::string& bucket,
                           const std::string& name, const Precondition& precondition) {
  return db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const auto present,
                            ReadObject(connection, project_number, bucket, name));
    if (!present) return NoSuchObject(bucket, name);
    GODWIT_RETURN_IF_ERROR(CheckPrecondition(precondition, present->generation));
    return connection
        .Execute("DELETE FROM objects WHERE bucket = $1 AND object_name = $2", {bucket, name})
        .status();
  });
}

Result<ObjectPage> ObjectStore::List(int64_t project_number, const std::string& bucket,
                                     const ObjectQuery& query) {
  if (query.limit < 1 || query.limit > 1000) {
    return Status(StatusCode::kInvalidArgument, "maxResults must be 1 to 1000");
  }
  GODWIT_RETURN_IF_ERROR(CheckBucketName(bucket));
  ObjectPage page;
  std::string after;
  if (!query.page_token.empty()) {
    auto decoded = Base64UrlDecode(query.page_token);
    if (!decoded.ok()) {
      return Status(StatusCode::kInvalidArgument,
                    "pageToken is not one that this server gave out; list from the start again");
    }
    after = *std::move(decoded);
  }
  const auto collect = [&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows bucket_rows, ReadBucket(connection, bucket));
    GODWIT_RETURN_IF_ERROR(CheckOwner(bucket_rows, project_number, bucket));
    // One row a step, so that a "folder" of any size is passed over in one.
    for (int count = 0;; ++count) {
      GODWIT_ASSIGN_OR_RETURN(
          const SqlRows rows,
          connection.Query(
              "SELECT " + std::string(kColumns) +
                  " FROM objects WHERE bucket = $1 AND object_name > $2 AND "
                  "object_name >= $3 AND object_name < $4 ORDER BY object_name LIMIT 1",
              {bucket, after, query.prefix, PrefixEnd(query.prefix)}));
      if (rows.empty()) return Status::Ok();
      if (count == query.limit) {
        page.next_page_token = Base64UrlEncode(AsBytes(after));
        return Status::Ok();
      }
      GODWIT_ASSIGN_OR_RETURN(Object object, ObjectFromRow(rows[0]));
      const size_t delimiter = query.delimiter.empty()
                                   ? std::string::npos
                                   : object.name.find(query.delimiter, query.prefix.size());
      if (delimiter == std::string::npos) {
        after = object.name;
        page.objects.push_back(std::move(object));
      } else {
        page.prefixes.push_back(object.name.substr(0, delimiter + query.delimiter.size()));
        after = PrefixEnd(page.prefixes.back());
      }
    }
  };
  GODWIT_RETURN_IF_ERROR(db_.Read(collect));
  return page;
}

Result<int64_t> ObjectStore::EnsureBucket(int64_t project_number, const std::string& bucket) {
  GODWIT_RETURN_IF_ERROR(CheckBucketName(bucket));
  int64_t create_time_ms = 0;
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(create_time_ms,
                            EnsureBucketRow(connection, project_number, bucket, clock_.NowMs()));
    return Status::Ok();
  }));
  return create_time_ms;
}

Result<std::vector<std::pair<std::string, int64_t>>> ObjectStore::ListBuckets(
    int64_t project_number) {
  std::vector<std::pair<std::string, int64_t>> buckets;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query("SELECT bucket, create_time_ms FROM buckets WHERE project_number = $1 "
                         "ORDER BY bucket LIMIT 1000",
                         {project_number}));
    for (const SqlRow& row : rows) buckets.emplace_back(row.Text(0), row.Int(1));
    return Status::Ok();
  }));
  return buckets;
}

}  // namespace godwit::server
