// FileBlobUpload: how bytes on their way in become a blob. Behind blob_store.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/blob/blob_paths.h"
#include "server/blob/blob_store.h"
#include "server/blob/sync_journal.h"

namespace godwit::server {

constexpr std::string_view kJournalSuffix = ".synced";

class FileBlobUpload final : public BlobUpload {
 public:
  // fs must outlive the upload.
  static Result<std::unique_ptr<BlobUpload>> Start(FileSystem& fs, const BlobPaths& paths,
                                                   const BlobStoreOptions& options,
                                                   const std::string& id);
  static Result<std::unique_ptr<BlobUpload>> Resume(FileSystem& fs, const BlobPaths& paths,
                                                    const BlobStoreOptions& options,
                                                    const std::string& id);
  ~FileBlobUpload() override;

  const std::string& id() const override { return id_; }
  uint64_t size_bytes() const override { return part_.size_bytes; }
  Status Append(std::span<const std::byte> data) override;
  Status Sync() override;
  Result<BlobDescriptor> Commit() override;
  Status Cancel() override;

 private:
  struct Parts {  // What an open upload holds.
    std::unique_ptr<File> file;
    std::unique_ptr<FileLock> lock;
    SyncJournal journal;
  };

  FileBlobUpload(FileSystem& fs, const BlobPaths& paths, const BlobStoreOptions& options,
                 const std::string& id, Parts parts)
      : fs_(fs), paths_(paths), options_(options), id_(id), open_(std::move(parts)) {}

  static Result<Parts> OpenParts(FileSystem& fs, const BlobPaths& paths, const std::string& id,
                                 std::unique_ptr<File> file);
  Status TrustWhatWasSynced();
  Result<uint32_t> HashFirst(uint64_t size_bytes);
  Status MakeBlob(const Digest& digest);

  FileSystem& fs_;
  const BlobPaths paths_;
  const BlobStoreOptions options_;
  const std::string id_;
  std::optional<Parts> open_;  // Empty after Commit and Cancel.
  Hasher hasher_;
  SyncedPart part_;  // What was appended; synced up to the journal's last.
};

}  // namespace godwit::server
