#include "server/blob/file_blob_upload.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace godwit::server {
namespace {

constexpr size_t kHashChunkBytes = 256 << 10;
// An upload that breaks off loses at most this much, and the disk never has more to catch up.
constexpr uint64_t kSyncEveryBytes = 32 << 20;

Status UploadEnded(const std::string& id) {
  return Status(StatusCode::kFailedPrecondition,
                "upload " + id + " was committed or cancelled before; start a new one");
}

}  // namespace

Result<FileBlobUpload::Parts> FileBlobUpload::OpenParts(FileSystem& fs, const BlobPaths& paths,
                                                        const std::string& id,
                                                        std::unique_ptr<File> file) {
  GODWIT_ASSIGN_OR_RETURN(auto lock, fs.TryLock(paths.Upload(id), LockMode::kExclusive));
  GODWIT_ASSIGN_OR_RETURN(auto journal,
                          SyncJournal::Open(fs, paths.Upload(id) + std::string(kJournalSuffix)));
  return Parts{std::move(file), std::move(lock), std::move(journal)};
}

Result<std::unique_ptr<BlobUpload>> FileBlobUpload::Start(FileSystem& fs, const BlobPaths& paths,
                                                          const BlobStoreOptions& options,
                                                          DiskSpace& space, const std::string& id) {
  GODWIT_RETURN_IF_ERROR(space.Exchange(0, 0));
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(paths.Upload(id), OpenMode::kCreateNew));
  GODWIT_ASSIGN_OR_RETURN(Parts parts, OpenParts(fs, paths, id, std::move(file)));
  std::unique_ptr<FileBlobUpload> upload(
      new FileBlobUpload(fs, paths, options, space, id, std::move(parts)));
  // Both names; their bytes follow with each Sync.
  GODWIT_RETURN_IF_ERROR(fs.SyncDirectory(paths.Uploads()));
  return std::unique_ptr<BlobUpload>(std::move(upload));
}

Result<std::unique_ptr<BlobUpload>> FileBlobUpload::Resume(FileSystem& fs, const BlobPaths& paths,
                                                           const BlobStoreOptions& options,
                                                           DiskSpace& space,
                                                           const std::string& id) {
  // Looks first, for opening to write would create it.
  GODWIT_RETURN_IF_ERROR(fs.Stat(paths.Upload(id)).status());
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(paths.Upload(id), OpenMode::kReadWrite));
  GODWIT_ASSIGN_OR_RETURN(Parts parts, OpenParts(fs, paths, id, std::move(file)));
  std::unique_ptr<FileBlobUpload> upload(
      new FileBlobUpload(fs, paths, options, space, id, std::move(parts)));
  GODWIT_RETURN_IF_ERROR(upload->TrustWhatWasSynced());
  // A journal that a power loss took away is a new file whose name is not durable yet.
  GODWIT_RETURN_IF_ERROR(fs.SyncDirectory(paths.Uploads()));
  return std::unique_ptr<BlobUpload>(std::move(upload));
}

FileBlobUpload::~FileBlobUpload() {
  if (open_.has_value()) (void)Sync();  // Without it the client sends some bytes again.
  Close();
}

void FileBlobUpload::Close() {
  open_.reset();
  space_.Release(std::exchange(promised_bytes_, 0));
}

// Cuts the file to the journal's last part. If even that is not what was synced, the disk is
// failing, and the upload begins again.
Status FileBlobUpload::TrustWhatWasSynced() {
  part_ = open_->journal.last();
  GODWIT_ASSIGN_OR_RETURN(const uint64_t file_bytes, open_->file->Size());
  bool intact = part_.size_bytes <= file_bytes;
  if (intact) {
    GODWIT_ASSIGN_OR_RETURN(const uint32_t crc32c, HashFirst(part_.size_bytes));
    intact = crc32c == part_.crc32c;
  }
  if (!intact) {
    GODWIT_RETURN_IF_ERROR(open_->journal.Clear());
    hasher_ = Hasher();
    part_ = {};
  }
  return open_->file->Truncate(part_.size_bytes);
}

// Feeds the hasher and returns the CRC-32C.
Result<uint32_t> FileBlobUpload::HashFirst(uint64_t size_bytes) {
  std::vector<std::byte> chunk(kHashChunkBytes);
  uint32_t crc32c = 0;
  for (uint64_t offset = 0; offset < size_bytes;) {
    const size_t wanted =
        static_cast<size_t>(std::min<uint64_t>(chunk.size(), size_bytes - offset));
    GODWIT_ASSIGN_OR_RETURN(const size_t count,
                            open_->file->ReadAt(offset, std::span(chunk).first(wanted)));
    if (count == 0) break;  // The checksum will tell.
    const auto bytes = std::span(chunk).first(count);
    hasher_.Update(bytes);
    crc32c = Crc32c(crc32c, bytes);
    offset += count;
  }
  return crc32c;
}

Status FileBlobUpload::Reserve(uint64_t more_bytes) {
  if (more_bytes > promised_bytes_) {
    GODWIT_RETURN_IF_ERROR(space_.Exchange(promised_bytes_, more_bytes));
  } else {
    space_.Release(promised_bytes_ - more_bytes);
  }
  promised_bytes_ = more_bytes;
  return Status::Ok();
}

Status FileBlobUpload::Append(std::span<const std::byte> data) {
  if (data.empty()) return Status::Ok();
  if (!open_.has_value() || sealed_.has_value()) return UploadEnded(id_);
  if (data.size() > options_.blob_max_bytes - std::min(options_.blob_max_bytes, size_bytes())) {
    return Status(StatusCode::kResourceExhausted,
                  "the file is larger than the " + std::to_string(options_.blob_max_bytes) +
                      " bytes that this server takes; upload a smaller one, or raise its limit");
  }
  if (data.size() > promised_bytes_) GODWIT_RETURN_IF_ERROR(Reserve(data.size()));
  GODWIT_RETURN_IF_ERROR(open_->file->WriteAt(part_.size_bytes, data));
  space_.Release(data.size());
  promised_bytes_ -= data.size();
  hasher_.Update(data);
  part_ = {part_.size_bytes + data.size(), Crc32c(part_.crc32c, data)};
  const uint64_t unsynced_bytes = part_.size_bytes - open_->journal.last().size_bytes;
  return unsynced_bytes >= kSyncEveryBytes ? Sync() : Status::Ok();
}

Status FileBlobUpload::Sync() {
  if (!open_.has_value()) return UploadEnded(id_);
  if (open_->journal.last().size_bytes == part_.size_bytes) return Status::Ok();
  GODWIT_RETURN_IF_ERROR(open_->file->Sync());
  return open_->journal.Append(part_);
}

// All bytes and no others are on the platter: a write that failed halfway may have left some.
Status FileBlobUpload::Settle() {
  if (!open_.has_value()) return UploadEnded(id_);
  GODWIT_RETURN_IF_ERROR(open_->file->Truncate(part_.size_bytes));
  return open_->file->Sync();
}

Result<BlobDescriptor> FileBlobUpload::Seal() {
  if (sealed_) return *sealed_;
  GODWIT_RETURN_IF_ERROR(Settle());
  GODWIT_RETURN_IF_ERROR(open_->journal.Append(part_));
  sealed_ = BlobDescriptor{hasher_.Finish(), part_.size_bytes, part_.crc32c};
  return *sealed_;
}

Result<BlobDescriptor> FileBlobUpload::Commit() {
  if (!sealed_) GODWIT_RETURN_IF_ERROR(Settle());
  if (!open_.has_value()) return UploadEnded(id_);
  const bool may_come_again = sealed_.has_value();
  const BlobDescriptor blob =
      sealed_ ? *sealed_ : BlobDescriptor{hasher_.Finish(), part_.size_bytes, part_.crc32c};
  const Status made = MakeBlob(blob.digest);
  if (!made.ok() && may_come_again) {
    Close();
    return made;
  }
  // The hash is spent and the bytes may have moved: a second try is a new upload.
  (void)Cancel();
  GODWIT_RETURN_IF_ERROR(made);
  return blob;
}

// A blob that is there already is replaced: the bytes are the same, and these were just checked.
Status FileBlobUpload::MakeBlob(const Digest& digest) {
  const std::string inner = paths_.InnerFolder(digest);
  GODWIT_RETURN_IF_ERROR(fs_.CreateDirectories(inner));
  // Both, even where a folder was there: who made it may have died before this. And before the
  // rename: if a power loss took a folder back, the bytes in it would be lost.
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(paths_.Blobs()));
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(paths_.OuterFolder(digest)));
  GODWIT_RETURN_IF_ERROR(fs_.Rename(paths_.Upload(id_), paths_.Blob(digest)));
  return fs_.SyncDirectory(inner);
}

Status FileBlobUpload::Cancel() {
  if (!open_.has_value()) return Status::Ok();
  Close();
  GODWIT_RETURN_IF_ERROR(fs_.Remove(paths_.Upload(id_)));
  return fs_.Remove(paths_.Upload(id_) + std::string(kJournalSuffix));
}

}  // namespace godwit::server
