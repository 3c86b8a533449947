// UploadSessions: resumable uploads, which survive a restart of either side.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "server/storage/object_store.h"

namespace godwit::server {

struct UploadSession {
  std::string id;  // 128 random bits: who knows it may write to it.
  ObjectWrite write;
  std::optional<uint64_t> declared_size_bytes;
  std::string blob_upload_id;
  std::optional<BlobDescriptor> sealed;  // What its bytes are, once the last has come.
  int64_t finished_generation = 0;       // 0: not finished.
  int64_t create_time_ms = 0;
};

class UploadSessions;

// One request's hold on a session; gives it back when destroyed. Not thread-safe.
class SessionLease {
 public:
  SessionLease(UploadSessions& sessions, UploadSession session, std::unique_ptr<BlobUpload> upload);
  ~SessionLease();
  SessionLease(const SessionLease&) = delete;
  SessionLease& operator=(const SessionLease&) = delete;

  const UploadSession& session() const { return session_; }

  // Null when the session is finished.
  BlobUpload* upload() { return upload_.get(); }

  // Makes the bytes the object. `hashes` (empty members: not given) is checked with what the
  // session declared at its start.
  Result<Object> Finish(const DeclaredHashes& hashes);

  // Ends the session and removes its bytes.
  Status Drop();

  // The object that a finished session made; kNotFound when it was overwritten or deleted since.
  Result<Object> Finished();

 private:
  UploadSessions& sessions_;
  UploadSession session_;
  std::unique_ptr<BlobUpload> upload_;
};

// Thread-safe; blocks on the disk. A session outlives crashes: before its bytes become a blob it
// notes which, so that whoever asks for it next finishes what was begun.
class UploadSessions {
 public:
  static constexpr int64_t kLifetimeMs = 7ll * 24 * 3600 * 1000;

  UploadSessions(Database& db, ObjectStore& objects, const Clock& clock)
      : db_(db), objects_(objects), clock_(clock) {}

  // Returns the new session's id. kNotEnoughSpace when there is no room for the declared size.
  Result<std::string> Start(const ObjectWrite& write, std::optional<uint64_t> declared_size_bytes);

  // Finishes what a crash or a full disk interrupted. kNotFound when there is no such session (any
  // more), kAborted while another request holds it.
  Result<std::unique_ptr<SessionLease>> Acquire(const std::string& id);

  // Ok when there is none; kAborted while a request holds it.
  Status Cancel(const std::string& id);

  // Forgets sessions that were started before the given wall time, and their bytes. Returns how
  // many.
  Result<int64_t> RemoveStartedBefore(int64_t time_ms);

  // The ids of blob uploads that sessions still need.
  Result<std::set<std::string>> BlobUploadIds();

 private:
  friend class SessionLease;
  static constexpr size_t kIdleMax = 64;

  Result<UploadSession> ReadSession(const std::string& id);
  Status Remove(const UploadSession& session);
  Result<Object> Finish(UploadSession& session, std::unique_ptr<BlobUpload>& upload);
  Status Seal(UploadSession& session, BlobUpload& upload);
  Result<std::unique_ptr<BlobUpload>> OpenUpload(const UploadSession& session);
  void Return(const UploadSession& session, std::unique_ptr<BlobUpload> upload);

  Database& db_;
  ObjectStore& objects_;
  const Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> held_;  // Sessions that a request holds.
  // Open uploads between two requests, so that the next need not hash the bytes again.
  std::map<std::string, std::unique_ptr<BlobUpload>> idle_;
};

}  // namespace godwit::server
