#include "server/jobs/garbage_collector.h"

namespace godwit::server {
namespace {

Result<std::set<std::string>> ReferencedBlobs(Database& db) {
  std::set<std::string> names;
  GODWIT_RETURN_IF_ERROR(db.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query(
            "SELECT sha256 FROM versions UNION SELECT sha256 FROM objects UNION "
            "SELECT sealed_sha256 FROM upload_sessions WHERE finished_generation = 0 UNION "
            "SELECT sha256 FROM operations WHERE done_time_ms = 0"));
    for (const SqlRow& row : rows) names.insert(row.Text(0));
    return Status::Ok();
  }));
  return names;
}

}  // namespace

Result<GarbageReport> GarbageCollector::Collect() {
  const std::lock_guard lock(mutex_);
  GarbageReport report;
  GODWIT_ASSIGN_OR_RETURN(
      report.sessions_removed,
      sessions_.RemoveStartedBefore(clock_.NowMs() - UploadSessions::kLifetimeMs));
  GODWIT_ASSIGN_OR_RETURN(report.uploads_removed, RemoveOrphanUploads());
  GODWIT_RETURN_IF_ERROR(
      registry_.RemoveOperationsDoneBefore(clock_.NowMs() - options_.operation_age_max_ms)
          .status());
  if (options_.versions_kept > 0) {
    GODWIT_ASSIGN_OR_RETURN(report.versions_removed,
                            registry_.PruneVersions(options_.versions_kept));
  }
  GODWIT_ASSIGN_OR_RETURN(report.blobs_removed, RemoveBlobs());
  if (report.sessions_removed + report.uploads_removed + report.versions_removed +
          report.blobs_removed >
      0) {
    logger_.Info("garbage collected", {{"sessions", std::to_string(report.sessions_removed)},
                                       {"uploads", std::to_string(report.uploads_removed)},
                                       {"versions", std::to_string(report.versions_removed)},
                                       {"blobs", std::to_string(report.blobs_removed)}});
  }
  return report;
}

Result<int64_t> GarbageCollector::RemoveOrphanUploads() {
  // The list of files first: an upload that starts between the two is younger than the limit.
  GODWIT_ASSIGN_OR_RETURN(
      const std::vector<std::string> uploads,
      objects_.blobs().ListUploadsBefore(clock_.NowMs() - options_.blob_age_min_ms));
  GODWIT_ASSIGN_OR_RETURN(const std::set<std::string> needed, sessions_.BlobUploadIds());
  int64_t removed = 0;
  for (const std::string& id : uploads) {
    if (needed.contains(id)) continue;
    GODWIT_RETURN_IF_ERROR(objects_.blobs().RemoveUpload(id));
    ++removed;
  }
  return removed;
}

Result<int64_t> GarbageCollector::RemoveBlobs() {
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Digest> blobs, objects_.blobs().List());
  GODWIT_ASSIGN_OR_RETURN(const std::set<std::string> referenced, ReferencedBlobs(db_));
  const int64_t now_ms = clock_.NowMs();
  std::map<Digest, int64_t> unreferenced;
  int64_t removed = 0;
  for (const Digest& digest : blobs) {
    if (referenced.contains(digest.ToHex())) continue;
    const auto known = unreferenced_since_ms_.find(digest);
    const int64_t since_ms = known == unreferenced_since_ms_.end() ? now_ms : known->second;
    if (now_ms - since_ms < options_.blob_age_min_ms) {
      unreferenced.emplace(digest, since_ms);
      continue;
    }
    GODWIT_ASSIGN_OR_RETURN(const bool gone, RemoveIfUnreferenced(digest));
    removed += gone ? 1 : 0;
  }
  unreferenced_since_ms_ = std::move(unreferenced);
  return removed;
}

Result<bool> GarbageCollector::RemoveIfUnreferenced(const Digest& digest) {
  // Nobody can be between "the bytes are a blob" and "a row names it" while this is held.
  const std::unique_lock exclusive(objects_.reference_mutex());
  bool referenced = true;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query("SELECT 1 FROM versions WHERE sha256 = $1 UNION ALL "
                         "SELECT 1 FROM objects WHERE sha256 = $1 UNION ALL "
                         "SELECT 1 FROM operations WHERE sha256 = $1 AND "
                         "done_time_ms = 0 UNION ALL "
                         "SELECT 1 FROM upload_sessions WHERE sealed_sha256 = $1 "
                         "AND finished_generation = 0 LIMIT 1",
                         {digest.ToHex()}));
    referenced = !rows.empty();
    return Status::Ok();
  }));
  if (referenced) return false;
  GODWIT_RETURN_IF_ERROR(objects_.blobs().Remove(digest));
  return true;
}

}  // namespace godwit::server
