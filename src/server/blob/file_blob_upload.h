// FileBlobUpload: how bytes on their way in become a blob. Behind blob_store.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/blob/blob_paths.h"
#include "server/blob/blob_store.h"
#include "server/blob/disk_space.h"
#include "server/blob/sync_journal.h"

namespace godwit::server {

constexpr std::string_view kJournalSuffix = ".synced";

class FileBlobUpload final : public BlobUpload {
 public:
  // fs and space must outlive the upload.
  static Result<std::unique_ptr<BlobUpload>> Start(FileSystem& fs, const BlobPaths& paths,
                                                   const BlobStoreOptions& options,
                                                   DiskSpace& space, const std::string& id);
  static Result<std::unique_ptr<BlobUpload>> Resume(FileSystem& fs, const BlobPaths& paths,
                                                    const BlobStoreOptions& options,
                                                    DiskSpace& space, const std::string& id);
  ~FileBlobUpload() override;

  const std::string& id() const override { return id_; }
  uint64_t size_bytes() const override { return part_.size_bytes; }
  Status Reserve(uint64_t more_bytes) override;
  Status Append(std::span<const std::byte> data) override;
  Status Sync() override;
  Result<BlobDescriptor> Seal() override;
  Result<BlobDescriptor> Commit() override;
  Status Cancel() override;

 private:
  struct Parts {  // What an open upload holds.
    std::unique_ptr<File> file;
    std::unique_ptr<FileLock> lock;
    SyncJournal journal;
  };

  FileBlobUpload(FileSystem& fs, const BlobPaths& paths, const BlobStoreOptions& options,
                 DiskSpace& space, const std::string& id, Parts parts)
      : fs_(fs),
        paths_(paths),
        options_(options),
        space_(space),
        id_(id),
        open_(std::move(parts)) {}

  static Result<Parts> OpenParts(FileSystem& fs, const BlobPaths& paths, const std::string& id,
                                 std::unique_ptr<File> file);
  Status TrustWhatWasSynced();
  Result<uint32_t> HashFirst(uint64_t size_bytes);
  Status Settle();
  void Close();
  Status MakeBlob(const Digest& digest);

  FileSystem& fs_;
  const BlobPaths paths_;
  const BlobStoreOptions options_;
  DiskSpace& space_;
  const std::string id_;
  uint64_t promised_bytes_ = 0;
  std::optional<BlobDescriptor> sealed_;
  std::optional<Parts> open_;  // Empty after Commit and Cancel.
  Hasher hasher_;
  SyncedPart part_;  // What was appended; synced up to the journal's last.
};

}  // namespace godwit::server
