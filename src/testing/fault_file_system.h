// FaultFileSystem: a disk in memory that loses what was not synced.
//
// It keeps two truths: what running programs see, and what stands on the platter. Between them
// lie the writes of each file since its last Sync, and the changes of names since the last
// SyncDirectory of the folder. PowerLoss decides which of these the platter got. Data and names
// are decided apart, as on real disks: a rename may survive although the renamed file's bytes
// did not, which is what catches a missing fsync.
//
// One rename is atomic: it survives whole or not at all. SyncDirectory also makes durable the
// earlier changes of the very names that it makes durable, and no others.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fs/file_system.h"

namespace godwit::testing {

// What becomes of unsynced changes.
enum class PowerLossMode {
  kKept,       // All survive, still unsynced: the process was killed, the machine went on.
  kDropped,    // None survives.
  kTorn,       // A prefix survives: of each file's writes, the last of them cut anywhere
               // and its rest zeros or absent; and a prefix of the changed names.
  kReordered,  // Any subset survives, whole or in part: of each file's writes, and of the names.
};

constexpr PowerLossMode kAllPowerLossModes[] = {PowerLossMode::kKept, PowerLossMode::kDropped,
                                                PowerLossMode::kTorn, PowerLossMode::kReordered};

const char* PowerLossModeName(PowerLossMode mode);

// How many seeds a test that wants `count` should try: one where chance has no part.
constexpr uint64_t SeedCount(PowerLossMode mode, uint64_t count) {
  return mode == PowerLossMode::kKept || mode == PowerLossMode::kDropped ? 1 : count;
}

// Thread-safe. "a/b" and "/a/b" are the same path; the root exists.
class FaultFileSystem final : public FileSystem {
 public:
  // `clock` gives FileInfo::modified_ms, which is 0 without one. It must outlive this.
  explicit FaultFileSystem(const Clock* clock = nullptr);
  ~FaultFileSystem() override;

  // Dies at the n-th mutating operation from now, 0 being the next: it and all later ones fail
  // with kIo and change nothing. Mutating are: creating a file or folder, WriteAt, Truncate,
  // Sync, Touch, Rename, Remove, RemoveDirectory and SyncDirectory. Reading goes on.
  void CrashAt(uint64_t n);

  // True once an operation failed because of CrashAt.
  bool crashed() const;

  // Mutating operations since the start, the failed ones included.
  uint64_t operation_count() const;

  // Ends the process or the machine, and starts it again: unsynced changes survive as the mode
  // says (`seed` decides where it leaves a choice), all locks are free, files opened before fail
  // with kIo, and CrashAt is forgotten. But for kKept, what stands then is durable.
  void PowerLoss(PowerLossMode mode, uint64_t seed);

  // Bytes that may still be written from now on; nullopt: any number. Removing gives back.
  // `promised_bytes` more are in what FreeBytes says: a quota that bites unannounced.
  void SetFreeBytes(std::optional<uint64_t> free_bytes, uint64_t promised_bytes = 0);

  // While true every mutating operation is kPermissionDenied.
  void SetReadOnly(bool read_only);

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Status Touch(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) override;
  Result<std::unique_ptr<FileLock>> TryLock(const std::string& path, LockMode mode) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;

 private:
  struct Node;
  struct NameChange;
  class OpenedFile;
  class HeldLock;
  using NodePtr = std::shared_ptr<Node>;
  struct Locks {
    int shared = 0;
    bool exclusive = false;
  };
  struct Place {  // A name in a folder; node is null when nothing has that name.
    NodePtr folder;
    std::string name;
    NodePtr node;
  };

  // Counts a mutating operation; an error when it must not happen.
  Status Mutate(const std::string& what);
  Status CheckAlive(uint64_t boot, const std::string& path) const;
  Result<Place> Walk(const std::string& path) const;
  Result<NodePtr> WalkToFolder(const std::string& path) const;
  Result<NodePtr> OpenNode(const std::string& path, OpenMode mode);
  Result<NodePtr> NodeToLock(const std::string& path);
  bool Take(const NodePtr& node, LockMode mode);
  void LosePower(PowerLossMode mode, uint64_t seed);
  void Change(NameChange change);
  Status Grow(const std::string& path, uint64_t old_size, uint64_t* new_size);
  void GiveBack(const NodePtr& node);
  int64_t NowMs() const { return clock_ == nullptr ? 0 : clock_->NowMs(); }

  const Clock* const clock_;
  mutable std::mutex mutex_;
  std::condition_variable lock_freed_;
  NodePtr root_;
  std::vector<NameChange> unsynced_changes_;  // Oldest first.
  std::optional<uint64_t> operations_left_;   // Until the crash.
  bool crashed_ = false;
  bool read_only_ = false;
  uint64_t operation_count_ = 0;
  uint64_t boot_ = 0;  // Files and locks of an earlier boot are dead.
  std::map<NodePtr, Locks> locks_;
  std::optional<uint64_t> free_bytes_;
  uint64_t promised_bytes_ = 0;
};

}  // namespace godwit::testing
