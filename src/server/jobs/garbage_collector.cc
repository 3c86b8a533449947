#include "server/jobs/garbage_collector.h"

#include <map>
#include <set>
#include <string>

namespace godwit::server {
namespace {

Result<std::set<std::string>> ReferencedBlobs(Database& db) {
  std::set<std::string> names;
  GODWIT_RETURN_IF_ERROR(db.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query(
            "SELECT sha256 FROM versions UNION SELECT sha256 FROM objects UNION "
            "SELECT golden_sha256 FROM versions WHERE golden_sha256 <> '' UNION "
            "SELECT sealed_sha256 FROM upload_sessions WHERE finished_generation = 0 UNION "
            "SELECT sha256 FROM operations WHERE done_time_ms = 0"));
    for (const SqlRow& row : rows) names.insert(row.Text(0));
    return Status::Ok();
  }));
  return names;
}

// By the blob's name: since when nothing has named it.
using UnreferencedBlobs = std::map<std::string, int64_t>;

Result<UnreferencedBlobs> ReadUnreferenced(Database& db) {
  UnreferencedBlobs blobs;
  GODWIT_RETURN_IF_ERROR(db.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            connection.Query("SELECT sha256, since_ms FROM unreferenced_blobs"));
    for (const SqlRow& row : rows) blobs.emplace(row.Text(0), row.Int(1));
    return Status::Ok();
  }));
  return blobs;
}

// Writes only what is not as it was: most rounds change nothing.
Status WriteUnreferenced(Database& db, const UnreferencedBlobs& before,
                         const UnreferencedBlobs& after) {
  if (before == after) return Status::Ok();
  return db.Write([&](SqlConnection& connection) -> Status {
    for (const auto& [name, since_ms] : before) {
      if (after.contains(name)) continue;
      GODWIT_RETURN_IF_ERROR(
          connection.Execute("DELETE FROM unreferenced_blobs WHERE sha256 = $1", {name}).status());
    }
    for (const auto& [name, since_ms] : after) {
      if (before.contains(name)) continue;
      GODWIT_RETURN_IF_ERROR(
          connection
              .Execute("INSERT INTO unreferenced_blobs (sha256, since_ms) VALUES ($1, $2)",
                       {name, since_ms})
              .status());
    }
    return Status::Ok();
  });
}

}  // namespace

Status GarbageCollector::Start() {
  GODWIT_ASSIGN_OR_RETURN(const std::set<std::string> referenced, ReferencedBlobs(db_));
  GODWIT_ASSIGN_OR_RETURN(const UnreferencedBlobs known, ReadUnreferenced(db_));
  UnreferencedBlobs unreferenced = known;
  std::erase_if(unreferenced, [&](const auto& blob) { return referenced.contains(blob.first); });
  return WriteUnreferenced(db_, known, unreferenced);
}

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
  GODWIT_ASSIGN_OR_RETURN(const UnreferencedBlobs known, ReadUnreferenced(db_));
  UnreferencedBlobs unreferenced;
  int64_t removed = 0;
  for (const Digest& digest : blobs) {
    const std::string name = digest.ToHex();
    if (referenced.contains(name)) continue;
    const auto found = known.find(name);
    const int64_t since_ms = found == known.end() ? now_ms : found->second;
    if (now_ms - since_ms < options_.blob_age_min_ms) {
      unreferenced.emplace(name, since_ms);
      continue;
    }
    GODWIT_ASSIGN_OR_RETURN(const bool gone, RemoveIfUnreferenced(digest));
    removed += gone ? 1 : 0;
  }
  GODWIT_RETURN_IF_ERROR(WriteUnreferenced(db_, known, unreferenced));
  return removed;
}

Result<bool> GarbageCollector::RemoveIfUnreferenced(const Digest& digest) {
  // Nobody can be between "the bytes are a blob" and "a row names it" while this is held.
  const std::unique_lock exclusive(objects_.reference_mutex());
  bool referenced = true;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    // Who names a blob deletes this row, so without it the blob had a name since the round began.
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows aged,
        connection.Query("SELECT 1 FROM unreferenced_blobs WHERE sha256 = $1", {digest.ToHex()}));
    if (aged.empty() && options_.blob_age_min_ms > 0) return Status::Ok();
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        connection.Query("SELECT 1 FROM versions WHERE sha256 = $1 UNION ALL "
                         "SELECT 1 FROM versions WHERE golden_sha256 = $1 AND golden_sha256 <> '' "
                         "UNION ALL "
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
