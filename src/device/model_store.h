// ModelStore: the models that one app keeps on this device. docs/formats/store.md has the bytes.
//
// Whatever the instant of a crash or power loss, a model is the old one or the new one, whole;
// what Commit acknowledged stays.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/record_cache.h"
#include "device/seed_models.h"
#include "device/store_format.h"
#include "device/store_layout.h"
#include "device/store_reservations.h"
#include "digest/digest.h"
#include "fs/file_system.h"

namespace godwit {

// A model whose file stands on this device. A value type.
struct LocalModel {
  std::string name;
  std::string hash;  // Lower-case hex SHA-256 of the file.
  std::string path;  // Never written again; stays for at least 24 h after it is replaced.
  uint64_t size_bytes = 0;
  int64_t downloaded_at_ms = 0;
  std::optional<uint64_t> version;          // Counts from 1; absent when the server did not say.
  std::optional<PreviousVersion> previous;  // What it replaced, if that may be gone back to.
};

// The SHA-256 of their files, and of those that they may go back to.
std::set<std::string> FilesOf(const std::vector<LocalModel>& models);

// Bytes of a model on their way in. It holds the model's lock, so there is one of it a model
// among all processes. Not thread-safe. Destroyed without Abandon it leaves its bytes, as
// they came or as a blob, for the next OpenPartial of the same digest.
class PartialDownload {
 public:
  virtual ~PartialDownload() = default;

  // Bytes that are here, from the first on. They were hashed when it was opened. Equal to the
  // expected size when nothing is left to download (another model or an earlier version has
  // the same file): then call Place.
  virtual uint64_t size_bytes() const = 0;

  // Of these, how many were found on disk by OpenPartial. A mismatch in Place may come from
  // a torn tail of them when this is not 0; starting again from zero is worth one try.
  virtual uint64_t resumed_bytes() const = 0;

  // kModelHashMismatch for bytes past the expected size (none of data is taken then),
  // kNotEnoughSpace when the disk is full. What was appended before stays.
  virtual Status Append(std::span<const std::byte> data) = 0;

  // Forgets all bytes: the server sent the file from its beginning.
  virtual Status Restart() = 0;

  // Verifies the bytes and makes them a blob, durably: a file that nobody writes to again but
  // that is nobody's model yet. Returns its path. When size or SHA-256 is not the expected one:
  // kModelHashMismatch, and the bytes are dropped. After any error only the destructor may
  // follow; a next OpenPartial may try again.
  virtual Result<std::string> Place() = 0;

  // Makes the blob this name's model, durably, and returns it; the model that it replaces becomes
  // its previous version. After an error the old model or the new one stands.
  // REQUIRES: Place succeeded. Ends this download: only the destructor may follow.
  virtual Result<LocalModel> Activate(std::optional<uint64_t> version) = 0;

  // Place and Activate, for those who ask nobody in between.
  Result<LocalModel> Commit(std::optional<uint64_t> version);

  // Removes the bytes. Only the destructor may follow.
  virtual Status Abandon() = 0;
};

struct ModelStoreOptions {
  // What the files may have together, those on their way in too; 0: no limit. Downloads that
  // other processes run at the same moment may go past it; the next download goes back below.
  uint64_t bytes_max = 0;
  std::string seed_directory;  // Models that the app ships; empty: none.
};

// What a look at the models' files found.
struct VerifyReport {
  std::vector<LocalModel> whole;
  std::vector<LocalModel> dropped;  // Their bytes were wrong; they are absent now.
};

// Thread-safe, and several processes may share one. Reading takes no lock and works on a
// read-only disk; there, writing is kPermissionDenied. Everything blocks on the disk.
class ModelStore {
 public:
  // Opens, and creates when absent, the store of this server, project and app in a folder of its
  // own below `directory`. kFailedPrecondition when a newer version of the library wrote it:
  // nothing is changed then. fs, clock and logger must outlive the store and its downloads.
  static Result<std::unique_ptr<ModelStore>> Open(FileSystem& fs, const Clock& clock,
                                                  Logger& logger, const std::string& directory,
                                                  const std::string& server_url,
                                                  const std::string& project,
                                                  const std::string& app_id,
                                                  const ModelStoreOptions& options = {});

  // The app's seed is that model when nothing newer is in the store: nothing at all, or a lower
  // version that the server did not choose while this seed was there.
  // nullopt when there is none. A damaged record counts as none, and is logged. Two calls to the
  // system when the record is the one that the last Find or List read, and once a day a third,
  // which notes that the model is used.
  Result<std::optional<LocalModel>> Find(const std::string& name);

  // Sorted by name, without seeds. Damaged records are left out, and logged.
  Result<std::vector<LocalModel>> List();

  // Forgets the model and its partial download; Ok when there is none. The file itself goes with
  // a later CollectGarbage, because an app may still map it. kUnavailable while it is downloaded.
  Status Delete(const std::string& name);

  // Goes back to the version that this model replaced, if its file stands, and else forgets the
  // model; durably. False, and nothing changes, when the model's file is not `bad` (any more).
  // kUnavailable while it is downloaded.
  Result<bool> FallBack(const std::string& name, const Digest& bad);

  // Starts or resumes the download of a file with this digest and size. Hashes what is here
  // already, once. Bytes of another digest for this name are dropped. kUnavailable at once when
  // another thread or process downloads this model or collects garbage: wait, look with Find
  // whether it came, then try again. kInvalidArgument for a name that no model can have.
  // Where the file would not fit below bytes_max: removes what nobody needs, then versions to
  // go back to, then the least recently used models, but none that is pinned nor the one of this
  // name; kNotEnoughSpace, and nothing is removed, when that would not do.
  Result<std::unique_ptr<PartialDownload>> OpenPartial(const std::string& name,
                                                       const Digest& expected,
                                                       uint64_t expected_size_bytes);

  // Whether somebody holds what OpenPartial holds, as of now.
  bool IsDownloading(const std::string& name);
  // How much of that file has arrived so far, whoever downloads it.
  uint64_t ArrivedBytes(const std::string& name, const Digest& expected);

  // Of a file of this size, what OpenPartial would leave to download: nothing when a blob of
  // another name or an earlier version has it. By their sizes; hashes nothing.
  uint64_t MissingBytes(const std::string& name, const Digest& expected,
                        uint64_t expected_size_bytes);

  // A pinned model is never removed to make room for another. Kept for this name, whether or not
  // it is in the store. Waits while files are removed.
  Status SetPinned(const std::string& name, bool pinned);

  // Hashes the file of each model and drops those that the disk has damaged. kUnavailable when
  // one is damaged while something is downloaded. *cancelled may be null.
  Result<VerifyReport> Verify(const std::atomic<bool>* cancelled = nullptr);

  // Once a day: hashes the next model's file, and drops it when it is damaged; else one Stat.
  Status ScrubDaily(const std::atomic<bool>* cancelled = nullptr);

  // The bytes of the last WriteInstallation; nullopt when there are none or they are damaged.
  // May hold secrets: never log them.
  Result<std::optional<std::string>> ReadInstallation();

  // Held across read, change and write. kUnavailable at once when another holds it.
  Result<std::unique_ptr<FileLock>> TryLockInstallation();

  // REQUIRES: the caller holds TryLockInstallation's lock. At most kStorePayloadMaxBytes.
  Status WriteInstallation(std::string_view bytes);

  // Removes files that no record has named for 24 h and partial downloads untouched for as
  // long. Does nothing while anything is downloaded.
  Status CollectGarbage();

  // The folder of this store.
  const std::string& directory() const { return directory_; }

 private:
  ModelStore(FileSystem& fs, const Clock& clock, Logger& logger, std::string directory,
             const ModelStoreOptions& options)
      : fs_(fs),
        clock_(clock),
        logger_(logger),
        directory_(std::move(directory)),
        options_(options),
        records_(fs),
        seeds_(fs, logger, options_.seed_directory, JoinPath(directory_, kSeedFolder)) {}

  Status CreateOrCheck(const StoreOwner& owner);
  Result<bool> CheckMarker();
  std::string PathOf(std::string_view folder, std::string_view name) const;
  // A record, and the model when its file stands.
  struct Standing {
    std::shared_ptr<const StandingRecord> record;
    LocalModel model;
  };
  Result<std::optional<Standing>> ReadRecord(const std::string& file_name);
  void NoteUse(const std::string& file_name, const FileInfo& record_info);
  Status RemovePartials(const std::string& name_hash, const std::string& except);
  Status CollectBlobs();
  Status CollectPartials();
  bool IsOld(const FileInfo& info) const;
  bool IsOfToday(const FileInfo& info) const;

  struct Inventory;
  Result<Inventory> TakeInventory(const std::string& name_hash);
  Result<StoreReservations::Held> MakeRoom(const std::string& name_hash,
                                           const std::string& partial_name, const Digest& expected,
                                           uint64_t size_bytes);
  Status Evict(const std::string& name_hash, const std::string& expected_hash);
  Status CheckThatRoomCanBeMade(const Inventory& inventory, const std::string& expected_hash) const;

  Result<bool> IsWhole(const std::string& hash, const std::atomic<bool>* cancelled);
  Result<bool> DropIfDamaged(const std::string& hash, const std::atomic<bool>* cancelled);

  FileSystem& fs_;
  const Clock& clock_;
  Logger& logger_;
  const std::string directory_;
  const ModelStoreOptions options_;
  RecordCache records_;
  SeedModels seeds_;
  const std::shared_ptr<StoreReservations> reservations_ = std::make_shared<StoreReservations>();
};

}  // namespace godwit
