#include "server/storage/upload_sessions.h"

#include <utility>

#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr std::string_view kColumns =
    "session_id, project_number, bucket, object_name, content_type, declared_crc32c, "
    "declared_md5, declared_size_bytes, generation_match, generation_not_match, blob_upload_id, "
    "finished_generation, create_time_ms, metadata, sealed_sha256, sealed_size_bytes, "
    "sealed_crc32c, metageneration_match, metageneration_not_match";

SqlValue OrNull(const std::optional<int64_t>& value) {
  return value ? SqlValue(*value) : SqlValue(nullptr);
}

std::optional<int64_t> OrAbsent(const SqlRow& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Int(column);
}

Result<UploadSession> SessionFromRow(const SqlRow& row) {
  UploadSession session;
  session.id = row.Text(0);
  session.write.project_number = row.Int(1);
  session.write.bucket = row.Text(2);
  session.write.name = row.Text(3);
  session.write.content_type = row.Text(4);
  session.write.hashes = {row.Text(5), row.Text(6)};
  if (!row.IsNull(7)) session.declared_size_bytes = static_cast<uint64_t>(row.Int(7));
  session.write.precondition = {OrAbsent(row, 8), OrAbsent(row, 9), OrAbsent(row, 17),
                                OrAbsent(row, 18)};
  session.blob_upload_id = row.Text(10);
  session.finished_generation = row.Int(11);
  session.create_time_ms = row.Int(12);
  session.write.metadata = row.Text(13);
  if (const std::string hex(row.Text(14)); !hex.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const Digest digest, Digest::Parse(hex));
    session.sealed = BlobDescriptor{digest, static_cast<uint64_t>(row.Int(15)),
                                    static_cast<uint32_t>(row.Int(16))};
  }
  return session;
}

// Whether no later try can make these bytes that object.
bool IsFinal(StatusCode code) {
  return code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition ||
         code == StatusCode::kPermissionDenied || code == StatusCode::kInvalidArgument ||
         code == StatusCode::kNotFound;
}

Status NoSuchSession() {
  return Status(StatusCode::kNotFound,
                "no such upload session: it was cancelled, or is older than a week; start a new "
                "upload");
}

}  // namespace

SessionLease::SessionLease(UploadSessions& sessions, UploadSession session,
                           std::unique_ptr<BlobUpload> upload)
    : sessions_(sessions), session_(std::move(session)), upload_(std::move(upload)) {}

SessionLease::~SessionLease() { sessions_.Return(session_, std::move(upload_)); }

Result<Object> SessionLease::Finish(const DeclaredHashes& hashes) {
  if (!hashes.crc32c.empty()) session_.write.hashes.crc32c = hashes.crc32c;
  if (!hashes.md5.empty()) session_.write.hashes.md5 = hashes.md5;
  return sessions_.Finish(session_, upload_);
}

Status SessionLease::Drop() {
  if (upload_) GODWIT_RETURN_IF_ERROR(upload_->Cancel());
  upload_.reset();
  return sessions_.Remove(session_);
}

Result<Object> SessionLease::Finished() {
  const ObjectWrite& write = session_.write;
  GODWIT_ASSIGN_OR_RETURN(Object object,
                          sessions_.objects_.Find(write.project_number, write.bucket, write.name));
  if (object.generation == session_.finished_generation) return object;
  return NoSuchSession();
}

Status UploadSessions::Seal(UploadSession& session, BlobUpload& upload) {
  GODWIT_ASSIGN_OR_RETURN(session.sealed, upload.Seal());
  return db_.Write([&](SqlConnection& connection) {
    return connection
        .Execute(
            "UPDATE upload_sessions SET sealed_sha256 = $2, sealed_size_bytes = $3, "
            "sealed_crc32c = $4, declared_crc32c = $5, declared_md5 = $6 "
            "WHERE session_id = $1",
            {session.id, session.sealed->digest.ToHex(),
             static_cast<int64_t>(session.sealed->size_bytes),
             static_cast<int64_t>(session.sealed->crc32c), session.write.hashes.crc32c,
             session.write.hashes.md5})
        .status();
  });
}

Result<Object> UploadSessions::Finish(UploadSession& session, std::unique_ptr<BlobUpload>& upload) {
  if (!session.sealed) GODWIT_RETURN_IF_ERROR(Seal(session, *upload));
  const auto note = [&](SqlConnection& connection, const Object& object) {
    return connection
        .Execute("UPDATE upload_sessions SET finished_generation = $2 WHERE session_id = $1",
                 {session.id, object.generation})
        .status();
  };
  auto object = objects_.FinishSealed(session.write, *session.sealed, upload.get(), note);
  upload.reset();
  if (object.ok()) {
    session.finished_generation = object->generation;
  } else if (IsFinal(object.status().code())) {
    session.finished_generation = -1;
    (void)Remove(session);  // Should it stay, it fails alike when it is asked for again.
  }
  return object;
}

Result<std::string> UploadSessions::Start(const ObjectWrite& write,
                                          std::optional<uint64_t> declared_size_bytes) {
  GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
  GODWIT_ASSIGN_OR_RETURN(auto upload,
                          StartUploadOf(objects_.blobs(), declared_size_bytes.value_or(0)));
  const std::string id = HexEncode(AsBytes(RandomBytes(16)));
  // Until the bytes come, others may have the room.
  Status started = upload->Reserve(0);
  if (started.ok()) {
    started = db_.Write([&](SqlConnection& connection) {
      return connection
          .Execute("INSERT INTO upload_sessions (" + std::string(kColumns) +
                       ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, '', "
                       "0, 0, $14, $15)",
                   {id, write.project_number, write.bucket, write.name, write.content_type,
                    write.hashes.crc32c, write.hashes.md5,
                    declared_size_bytes ? SqlValue(static_cast<int64_t>(*declared_size_bytes))
                                        : SqlValue(nullptr),
                    OrNull(write.precondition.generation_match),
                    OrNull(write.precondition.generation_not_match), upload->id(), clock_.NowMs(),
                    write.metadata, OrNull(write.precondition.metageneration_match),
                    OrNull(write.precondition.metageneration_not_match)})
          .status();
    });
  }
  if (!started.ok()) {
    (void)upload->Cancel();
    return started;
  }
  const std::lock_guard lock(mutex_);
  idle_.emplace(id, std::move(upload));
  if (idle_.size() > kIdleMax) idle_.erase(idle_.begin());
  return id;
}

Result<UploadSession> UploadSessions::ReadSession(const std::string& id) {
  std::optional<UploadSession> session;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            connection.Query("SELECT " + std::string(kColumns) +
                                                 " FROM upload_sessions WHERE session_id = $1",
                                             {id}));
    if (rows.empty()) return Status::Ok();
    GODWIT_ASSIGN_OR_RETURN(session, SessionFromRow(rows[0]));
    return Status::Ok();
  }));
  if (!session || session->finished_generation < 0 ||
      session->create_time_ms < clock_.NowMs() - kLifetimeMs)
    return NoSuchSession();
  return *std::move(session);
}

Result<std::unique_ptr<BlobUpload>> UploadSessions::OpenUpload(const UploadSession& session) {
  if (session.finished_generation != 0) return std::unique_ptr<BlobUpload>();
  {
    const std::lock_guard lock(mutex_);
    if (auto node = idle_.extract(session.id)) return std::move(node.mapped());
  }
  auto upload = objects_.blobs().ResumeUpload(session.blob_upload_id);
  if (upload.ok() || upload.status().code() != StatusCode::kNotFound) return upload;
  // They became a blob, or are lost.
  if (session.sealed) return std::unique_ptr<BlobUpload>();
  return NoSuchSession();
}

Result<std::unique_ptr<SessionLease>> UploadSessions::Acquire(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!held_.insert(id).second) {
      return Status(StatusCode::kAborted,
                    "another request is writing to this upload session; ask for its state, then "
                    "go on from there");
    }
  }
  const auto release = [&](const Status& status) {
    const std::lock_guard lock(mutex_);
    held_.erase(id);
    return status;
  };
  auto session = ReadSession(id);
  if (!session.ok()) return release(session.status());
  auto upload = OpenUpload(*session);
  if (!upload.ok()) return release(upload.status());
  const bool interrupted = session->sealed && session->finished_generation == 0;
  auto lease = std::make_unique<SessionLease>(*this, *std::move(session), *std::move(upload));
  if (interrupted) {
    const auto object = lease->Finish({});
    if (object.status().code() == StatusCode::kNotFound) return NoSuchSession();
    if (!object.ok()) return object.status();
  }
  return lease;
}

void UploadSessions::Return(const UploadSession& session, std::unique_ptr<BlobUpload> upload) {
  const std::lock_guard lock(mutex_);
  held_.erase(session.id);
  if (!upload) return;
  (void)upload->Reserve(0);  // Who may not come back holds no room.
  if (idle_.size() >= kIdleMax) idle_.erase(idle_.begin());
  idle_[session.id] = std::move(upload);
}

Status UploadSessions::Remove(const UploadSession& session) {
  {
    const std::lock_guard lock(mutex_);
    idle_.erase(session.id);
  }
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) {
    return connection.Execute("DELETE FROM upload_sessions WHERE session_id = $1", {session.id})
        .status();
  }));
  return objects_.blobs().RemoveUpload(session.blob_upload_id);
}

Status UploadSessions::Cancel(const std::string& id) {
  auto lease = Acquire(id);
  if (!lease.ok()) {
    return lease.status().code() == StatusCode::kNotFound ? Status::Ok() : lease.status();
  }
  return (*lease)->Drop();
}

Result<int64_t> UploadSessions::RemoveStartedBefore(int64_t time_ms) {
  std::vector<UploadSession> expired;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            connection.Query("SELECT " + std::string(kColumns) +
                                                 " FROM upload_sessions WHERE create_time_ms < $1",
                                             {time_ms}));
    for (const SqlRow& row : rows) {
      GODWIT_ASSIGN_OR_RETURN(UploadSession session, SessionFromRow(row));
      expired.push_back(std::move(session));
    }
    return Status::Ok();
  }));
  for (const UploadSession& session : expired) GODWIT_RETURN_IF_ERROR(Remove(session));
  return static_cast<int64_t>(expired.size());
}

Result<std::set<std::string>> UploadSessions::BlobUploadIds() {
  std::set<std::string> ids;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            connection.Query("SELECT blob_upload_id FROM upload_sessions "
                                             "WHERE finished_generation = 0"));
    for (const SqlRow& row : rows) ids.insert(row.Text(0));
    return Status::Ok();
  }));
  return ids;
}

}  // namespace godwit::server
