#include "server/storage/object_store.h"

#include <algorithm>
#include <span>

#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr std::string_view kColumns =
    "bucket, object_name, project_number, generation, sha256, size_bytes, crc32c, md5, "
    "content_type, metadata, metageneration, create_time_ms, update_time_ms, idempotency_token";

constexpr size_t kCopyChunkBytes = 256 << 10;

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
  object.metadata = row.Text(9);
  object.metageneration = row.Int(10);
  object.create_time_ms = row.Int(11);
  object.update_time_ms = row.Int(12);
  object.idempotency_token = row.Text(13);
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

// The object that is there if it is the one that was meant.
Result<Object> ReadSource(SqlConnection& connection, int64_t project_number,
                          const ObjectSource& source) {
  GODWIT_ASSIGN_OR_RETURN(auto present,
                          ReadObject(connection, project_number, source.bucket, source.name));
  if (!present || (source.generation && *source.generation != present->generation)) {
    return NoSuchObject(source.bucket, source.name);
  }
  GODWIT_RETURN_IF_ERROR(CheckPrecondition(source.precondition, &*present));
  return *std::move(present);
}

Status NoSuchBucket() {
  return Status(StatusCode::kNotFound, "The specified bucket does not exist.");
}

Status AddBucket(SqlConnection& connection, int64_t project_number, const Bucket& bucket) {
  return connection
      .Execute("INSERT INTO buckets (bucket, project_number, create_time_ms) VALUES ($1, $2, $3)",
               {bucket.name, project_number, bucket.create_time_ms})
      .status();
}

Status EnsureBucket(SqlConnection& connection, const Object& object) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, ReadBucket(connection, object.bucket));
  GODWIT_RETURN_IF_ERROR(CheckOwner(rows, object.project_number, object.bucket));
  if (!rows.empty()) return Status::Ok();
  return AddBucket(connection, object.project_number, {object.bucket, object.create_time_ms});
}

Status WriteObject(SqlConnection& connection, const Object& object) {
  const std::string sha256 = object.digest.ToHex();
  GODWIT_RETURN_IF_ERROR(
      connection.Execute("DELETE FROM unreferenced_blobs WHERE sha256 = $1", {sha256}).status());
  return connection
      .Execute("INSERT INTO objects (" + std::string(kColumns) +
                   ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
                   "ON CONFLICT (bucket, object_name) DO UPDATE SET generation = $4, sha256 = $5, "
                   "size_bytes = $6, crc32c = $7, md5 = $8, content_type = $9, metadata = $10, "
                   "metageneration = $11, create_time_ms = $12, update_time_ms = $13, "
                   "idempotency_token = $14",
               {object.bucket, object.name, object.project_number, object.generation, sha256,
                static_cast<int64_t>(object.size_bytes), static_cast<int64_t>(object.crc32c),
                object.md5, object.content_type, object.metadata, object.metageneration,
                object.create_time_ms, object.update_time_ms, object.idempotency_token})
      .status();
}

Status RemoveObject(SqlConnection& connection, const ObjectSource& object) {
  return connection
      .Execute("DELETE FROM objects WHERE bucket = $1 AND object_name = $2",
               {object.bucket, object.name})
      .status();
}

// Gives the object its generation and its row. A write that came before, as its token and its
// bytes tell, is not made again.
Status PutObject(SqlConnection& connection, const Precondition& precondition, Object* object) {
  GODWIT_RETURN_IF_ERROR(EnsureBucket(connection, *object));
  GODWIT_ASSIGN_OR_RETURN(
      auto present, ReadObject(connection, object->project_number, object->bucket, object->name));
  if (present && !object->idempotency_token.empty() &&
      present->idempotency_token == object->idempotency_token &&
      present->digest == object->digest) {
    *object = *std::move(present);
    return Status::Ok();
  }
  GODWIT_RETURN_IF_ERROR(CheckPrecondition(precondition, present ? &*present : nullptr));
  object->generation =
      std::max(object->create_time_ms * 1000, present ? present->generation + 1 : 1);
  return WriteObject(connection, *object);
}

// What the write says; the bytes are the caller's to fill in.
Object NewObject(const ObjectWrite& write, int64_t now_ms) {
  Object object;
  object.bucket = write.bucket;
  object.name = write.name;
  object.project_number = write.project_number;
  object.content_type = write.content_type.empty() ? kDefaultContentType : write.content_type;
  object.metadata = write.metadata;
  object.create_time_ms = now_ms;
  object.update_time_ms = now_ms;
  object.idempotency_token = write.idempotency_token;
  return object;
}

// Appends a whole blob to the upload.
Status AppendBlob(BlobStore& blobs, const Digest& digest, BlobUpload& upload) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, blobs.Open(digest));
  std::vector<std::byte> buffer(kCopyChunkBytes);
  for (uint64_t offset = 0;;) {
    GODWIT_ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, buffer));
    if (count == 0) return Status::Ok();
    GODWIT_RETURN_IF_ERROR(upload.Append(std::span(buffer).first(count)));
    offset += count;
  }
}

// Base64 MD5 of a whole blob.
Result<std::string> Md5OfBlob(BlobStore& blobs, const Digest& digest) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, blobs.Open(digest));
  std::vector<std::byte> buffer(kCopyChunkBytes);
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

Result<Object> ObjectStore::Finish(const ObjectWrite& write, BlobUpload& upload) {
  const std::shared_lock references(reference_mutex_);
  return FinishHeld(write, upload);
}

Result<Object> ObjectStore::FinishHeld(const ObjectWrite& write, BlobUpload& upload) {
  GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
  GODWIT_ASSIGN_OR_RETURN(const BlobDescriptor blob, upload.Commit());
  return Name(write, blob, nullptr);
}

Result<Object> ObjectStore::FinishSealed(const ObjectWrite& write, const BlobDescriptor& blob,
                                         BlobUpload* upload, const AlsoWrite& also) {
  const std::shared_lock references(reference_mutex_);
  if (upload != nullptr) {
    GODWIT_ASSIGN_OR_RETURN(const BlobDescriptor committed, upload->Commit());
    if (committed != blob) {
      return Status(StatusCode::kDataLoss,
                    "the upload's bytes are no longer those that were sealed, so they were given "
                    "no name; upload the file again");
    }
  } else {
    GODWIT_RETURN_IF_ERROR(blobs_.SizeOf(blob.digest).status());
  }
  return Name(write, blob, also);
}

Result<Object> ObjectStore::Name(const ObjectWrite& write, const BlobDescriptor& blob,
                                 const AlsoWrite& also) {
  Object object = NewObject(write, clock_.NowMs());
  object.digest = blob.digest;
  object.size_bytes = blob.size_bytes;
  object.crc32c = blob.crc32c;
  GODWIT_RETURN_IF_ERROR(CheckSizeRange(write.size_range, blob.size_bytes));
  if (write.sha256 && *write.sha256 != blob.digest) {
    return HashMismatch("sha256", write.sha256->ToHex(), blob.digest.ToHex());
  }
  const std::string crc32c = EncodeCrc32c(blob.crc32c);
  if (!write.hashes.crc32c.empty() && write.hashes.crc32c != crc32c) {
    return HashMismatch("crc32c", write.hashes.crc32c, crc32c);
  }
  if (!write.hashes.md5.empty() || write.wants_md5) {
    GODWIT_ASSIGN_OR_RETURN(object.md5, Md5OfBlob(blobs_, blob.digest));
    if (!write.hashes.md5.empty() && write.hashes.md5 != object.md5) {
      return HashMismatch("md5Hash", write.hashes.md5, object.md5);
    }
  }
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(PutObject(connection, write.precondition, &object));
    return also ? also(connection, object) : Status::Ok();
  }));
  return object;
}

Result<Object> ObjectStore::Copy(const ObjectSource& source, ObjectWrite write, CopyMode mode) {
  GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
  Object object;
  // One transaction, so that a row names the blob at every moment.
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(Object original, ReadSource(connection, write.project_number, source));
    if (write.content_type.empty()) write.content_type = std::move(original.content_type);
    if (write.metadata.empty()) write.metadata = std::move(original.metadata);
    object = NewObject(write, clock_.NowMs());
    object.digest = original.digest;
    object.size_bytes = original.size_bytes;
    object.crc32c = original.crc32c;
    object.md5 = std::move(original.md5);
    if (mode == CopyMode::kMove) GODWIT_RETURN_IF_ERROR(RemoveObject(connection, source));
    return PutObject(connection, write.precondition, &object);
  }));
  return object;
}

Result<Object> ObjectStore::Compose(const std::vector<ObjectSource>& sources,
                                    const ObjectWrite& write) {
  if (sources.empty() || sources.size() > kComposeMax) {
    return Status(
        StatusCode::kInvalidArgument,
        "sourceObjects: compose takes 1 to " + std::to_string(kComposeMax) + " source objects");
  }
  // Held from here, so that the sources' blobs stay.
  const std::shared_lock references(reference_mutex_);
  std::vector<Object> parts;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    for (const ObjectSource& source : sources) {
      GODWIT_ASSIGN_OR_RETURN(Object part, ReadSource(connection, write.project_number, source));
      parts.push_back(std::move(part));
    }
    return Status::Ok();
  }));
  GODWIT_ASSIGN_OR_RETURN(auto upload, blobs_.StartUpload());
  Status copied;
  for (const Object& part : parts) {
    if (copied.ok()) copied = AppendBlob(blobs_, part.digest, *upload);
  }
  Result<Object> object = copied.ok() ? FinishHeld(write, *upload) : Result<Object>(copied);
  (void)upload->Cancel();
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

Status ObjectStore::Delete(int64_t project_number, const ObjectSource& object) {
  return db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(ReadSource(connection, project_number, object).status());
    return RemoveObject(connection, object);
  });
}

Result<Object> ObjectStore::Edit(int64_t project_number, const ObjectSource& object,
                                 const std::function<Status(Object*)>& edit) {
  Object edited;
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(edited, ReadSource(connection, project_number, object));
    GODWIT_RETURN_IF_ERROR(edit(&edited));
    if (edited.content_type.empty()) edited.content_type = kDefaultContentType;
    ++edited.metageneration;
    edited.update_time_ms = clock_.NowMs();
    return WriteObject(connection, edited);
  }));
  return edited;
}

Result<ObjectPage> ObjectStore::List(int64_t project_number, const std::string& bucket,
                                     const ObjectQuery& query) {
  if (query.limit < 1 || query.limit > 1000) {
    return Status(StatusCode::kInvalidArgument, "maxResults must be 1 to 1000");
  }
  GODWIT_RETURN_IF_ERROR(CheckBucketName(bucket));
  ObjectPage page;
  std::string after;
  const std::string first = std::max(query.prefix, query.start_offset);
  std::string end = PrefixEnd(query.prefix);
  if (!query.end_offset.empty()) end = std::min(end, query.end_offset);
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
              {bucket, after, first, end}));
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

Result<Bucket> ObjectStore::CreateBucket(int64_t project_number, const std::string& bucket) {
  GODWIT_RETURN_IF_ERROR(CheckBucketName(bucket));
  const Bucket created{bucket, clock_.NowMs()};
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, ReadBucket(connection, bucket));
    GODWIT_RETURN_IF_ERROR(CheckOwner(rows, project_number, bucket));
    if (rows.empty()) return AddBucket(connection, project_number, created);
    return Status(StatusCode::kAlreadyExists,
                  "Your previous request to create the named bucket succeeded and you already own "
                  "it.");
  }));
  return created;
}

Result<Bucket> ObjectStore::FindBucket(int64_t project_number, const std::string& bucket) {
  Bucket found{bucket, 0};
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, ReadBucket(connection, bucket));
    if (rows.empty()) return NoSuchBucket();
    found.create_time_ms = rows[0].Int(1);
    return CheckOwner(rows, project_number, bucket);
  }));
  return found;
}

Status ObjectStore::DeleteBucket(int64_t project_number, const std::string& bucket) {
  return db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, ReadBucket(connection, bucket));
    if (rows.empty()) return NoSuchBucket();
    GODWIT_RETURN_IF_ERROR(CheckOwner(rows, project_number, bucket));
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows objects,
        connection.Query("SELECT 1 FROM objects WHERE bucket = $1 LIMIT 1", {bucket}));
    if (!objects.empty()) {
      return Status(StatusCode::kAlreadyExists, "The bucket you tried to delete is not empty.");
    }
    return connection.Execute("DELETE FROM buckets WHERE bucket = $1", {bucket}).status();
  });
}

Result<std::vector<Bucket>> ObjectStore::ListBuckets(int64_t project_number) {
  std::vector<Bucket> buckets;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query("SELECT bucket, create_time_ms FROM buckets WHERE project_number = $1 "
                         "ORDER BY bucket LIMIT 1000",
                         {project_number}));
    for (const SqlRow& row : rows) buckets.push_back({row.Text(0), row.Int(1)});
    return Status::Ok();
  }));
  return buckets;
}

}  // namespace godwit::server
