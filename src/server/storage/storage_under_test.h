// StorageUnderTest: the storage of one server's life, on a disk that fails on demand. For tests.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/log.h"
#include "crypto/crypto.h"
#include "server/storage/object_store.h"
#include "server/storage/upload_sessions.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {

constexpr int64_t kProject = 7;

inline ObjectWrite WriteOf(const std::string& name) {
  ObjectWrite write;
  write.project_number = kProject;
  write.bucket = "bucket";
  write.name = name;
  return write;
}

struct Storage {
  Storage(testing::FaultFileSystem& fs, const Clock& clock, Logger& logger,
          const BlobStoreOptions& options = {})
      : db(OpenSqliteDatabaseOn(fs, "godwit.db", clock, logger).value()),
        blobs(OpenBlobStore(fs, "data", options).value()),
        objects(*db, *blobs, clock),
        sessions(*db, objects, clock) {}

  Result<Object> Put(const ObjectWrite& write, const std::string& bytes) {
    GODWIT_ASSIGN_OR_RETURN(auto upload, blobs->StartUpload());
    const Status appended = upload->Append(AsBytes(bytes));
    auto object = appended.ok() ? objects.Finish(write, *upload) : Result<Object>(appended);
    (void)upload->Cancel();
    return object;
  }

  std::string Read(const Object& object) {
    std::string bytes(object.size_bytes, '\0');
    const auto file = blobs->Open(object.digest);
    if (!file.ok()) return "no such blob";
    const auto count = (*file)->ReadAt(0, std::as_writable_bytes(std::span(bytes)));
    return count.ok() && *count == bytes.size() ? bytes : "short";
  }

  std::unique_ptr<Database> db;
  std::unique_ptr<BlobStore> blobs;
  ObjectStore objects;
  UploadSessions sessions;
};

}  // namespace godwit::server
