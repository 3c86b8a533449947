// GarbageCollector: forgets what nothing refers to any more.
#pragma once

#include <mutex>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "server/db/database.h"
#include "server/registry/registry.h"
#include "server/storage/upload_sessions.h"

namespace godwit::server {

struct GarbageOptions {
  int64_t versions_kept = 10;  // Newest of each model; 0 keeps all.
  // Unreferenced for so long before it goes. A link that was handed out in the last moment works
  // for 25 hours; the hour more is for clocks and for devices that had to begin again.
  int64_t blob_age_min_ms = 26 * 3600 * 1000;
  int64_t operation_age_max_ms = 7 * 24 * 3600 * 1000;  // Done for so long.
};

struct GarbageReport {
  int64_t sessions_removed = 0;
  int64_t uploads_removed = 0;
  int64_t versions_removed = 0;
  int64_t blobs_removed = 0;
};

// Thread-safe; blocks on the disk.
class GarbageCollector {
 public:
  // All must outlive the collector.
  GarbageCollector(Database& db, Registry& registry, ObjectStore& objects, UploadSessions& sessions,
                   const Clock& clock, Logger& logger, const GarbageOptions& options)
      : db_(db),
        registry_(registry),
        objects_(objects),
        sessions_(sessions),
        clock_(clock),
        logger_(logger),
        options_(options) {}

  // One round: upload sessions that are older than a week, bytes of uploads that no session
  // knows, operations that were done long ago, surplus versions, and blobs that neither a
  // version nor an object nor an active operation has named in any round for blob_age_min_ms
  // (counted from the first round that saw it so, also over restarts).
  Result<GarbageReport> Collect();

  // REQUIRES: nothing has been changed since the server came up. Forgets the ages of blobs that
  // were named after the last round before it went down: they begin anew when the name goes.
  Status Start();

 private:
  Result<int64_t> RemoveOrphanUploads();
  Result<int64_t> RemoveBlobs();
  Result<bool> RemoveIfUnreferenced(const Digest& digest);

  Database& db_;
  Registry& registry_;
  ObjectStore& objects_;
  UploadSessions& sessions_;
  const Clock& clock_;
  Logger& logger_;
  const GarbageOptions options_;
  std::mutex mutex_;
};

}  // namespace godwit::server
