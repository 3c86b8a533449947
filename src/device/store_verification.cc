// ModelStore's look for files that the disk has damaged.
#include <set>
#include <span>

#include "device/hash_file.h"
#include "device/model_store.h"
#include "device/store_layout.h"

namespace godwit {
namespace {

constexpr size_t kDigestHexLength = 64;

}  // namespace

// A file that cannot be read is as bad as one that reads wrong; a cancelled look tells nothing.
Result<bool> ModelStore::IsWhole(const std::string& hash, const std::atomic<bool>* cancelled) {
  const auto found = DigestOfFile(fs_, PathOf(kBlobFolder, hash), cancelled);
  if (found.ok()) return found->ToHex() == hash;
  if (found.status().code() == StatusCode::kNotFound) return true;  // Nothing is left to drop.
  return found.status().code() == StatusCode::kCancelled ? Result<bool>(found.status()) : false;
}

// True when the file was damaged and is gone now.
Result<bool> ModelStore::DropIfDamaged(const std::string& hash,
                                       const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(bool whole, IsWhole(hash, cancelled));
  if (whole) return false;
  // Nobody may put a good file in its place between the last look and the removal.
  GODWIT_ASSIGN_OR_RETURN(const auto lock,
                          fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kExclusive));
  GODWIT_ASSIGN_OR_RETURN(whole, IsWhole(hash, cancelled));
  if (whole) return false;
  const std::string path = PathOf(kBlobFolder, hash);
  logger_.Error(
      "the disk has damaged a model's file; it is dropped, and the next get brings it "
      "anew",
      {{"path", path}});
  GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(JoinPath(directory_, kBlobFolder)));
  return true;
}

Result<VerifyReport> ModelStore::Verify(const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(const auto models, List());
  // Who dropped a file may have died before this.
  const Status synced = fs_.SyncDirectory(JoinPath(directory_, kBlobFolder));
  if (!synced.ok() && synced.code() != StatusCode::kPermissionDenied) return synced;
  VerifyReport report;
  std::set<std::string> dropped;
  for (const std::string& hash : FilesOf(models)) {
    GODWIT_ASSIGN_OR_RETURN(const bool damaged, DropIfDamaged(hash, cancelled));
    if (damaged) dropped.insert(hash);
  }
  for (const LocalModel& model : models) {
    (dropped.contains(model.hash) ? report.dropped : report.whole).push_back(model);
  }
  return report;
}

Status ModelStore::ScrubDaily(const std::atomic<bool>* cancelled) {
  const std::string path = JoinPath(directory_, kScrubFile);
  const auto info = fs_.Stat(path);
  if (!info.ok() && info.status().code() != StatusCode::kNotFound) return info.status();
  if (info.ok() && IsOfToday(*info)) return Status::Ok();
  GODWIT_ASSIGN_OR_RETURN(const auto models, List());
  const std::set<std::string> hashes = FilesOf(models);
  if (hashes.empty()) return Status::Ok();

  const auto last = ReadWholeFile(fs_, path, kDigestHexLength);
  auto next = hashes.upper_bound(last.ok() ? *last : "");
  if (next == hashes.end()) next = hashes.begin();
  // Noted before the work: a process that dies of it must not begin it at each start.
  GODWIT_ASSIGN_OR_RETURN(const auto note, fs_.Open(path, OpenMode::kReadWrite));
  GODWIT_RETURN_IF_ERROR(note->WriteAt(0, std::as_bytes(std::span(*next))));
  return DropIfDamaged(*next, cancelled).status();
}

}  // namespace godwit
