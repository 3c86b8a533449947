#include "server/blob/blob_store.h"

#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "server/blob/blob_paths.h"
#include "server/blob/disk_space.h"
#include "server/blob/file_blob_upload.h"

namespace godwit::server {
namespace {

constexpr size_t kUploadIdBytes = 16;

// Ids come back from clients and become file names.
bool IsUploadId(std::string_view id) {
  return id.size() == 2 * kUploadIdBytes &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string NewUploadId() {
  std::array<std::byte, kUploadIdBytes> id;
  FillRandom(id);
  return HexEncode(id);
}

// `status` in the words of a blob when the file is absent.
Status NoSuchBlob(const Digest& digest, const Status& status) {
  if (status.code() != StatusCode::kNotFound) return status;
  return Status(StatusCode::kNotFound, "there is no blob " + digest.ToHex());
}

class FileBlobStore final : public BlobStore {
 public:
  FileBlobStore(FileSystem& fs, const std::string& directory, const BlobStoreOptions& options)
      : fs_(fs),
        paths_{directory},
        options_(options),
        space_(fs, paths_.Uploads(), options.free_disk_reserve_bytes) {}

  Result<std::unique_ptr<BlobUpload>> StartUpload() override {
    return FileBlobUpload::Start(fs_, paths_, options_, space_, NewUploadId())
        .WithContext("start an upload");
  }

  Result<std::unique_ptr<BlobUpload>> ResumeUpload(const std::string& id) override {
    if (!IsUploadId(id)) return Status(StatusCode::kNotFound, "there is no upload with this id");
    return FileBlobUpload::Resume(fs_, paths_, options_, space_, id)
        .WithContext("resume upload " + id);
  }

  Status RemoveUpload(const std::string& id) override {
    if (!IsUploadId(id)) return Status::Ok();
    GODWIT_RETURN_IF_ERROR(fs_.Remove(paths_.Upload(id)));
    return fs_.Remove(paths_.Upload(id) + std::string(kJournalSuffix));
  }

  Result<std::shared_ptr<File>> Open(const Digest& digest) override {
    auto file = fs_.Open(paths_.Blob(digest), OpenMode::kRead);
    if (!file.ok()) return NoSuchBlob(digest, file.status());
    return std::shared_ptr<File>(std::move(*file));
  }

  Result<uint64_t> SizeOf(const Digest& digest) override {
    const auto info = fs_.Stat(paths_.Blob(digest));
    if (!info.ok()) return NoSuchBlob(digest, info.status());
    return info->size_bytes;
  }

  // Not made durable: a blob that comes back is collected again.
  Status Remove(const Digest& digest) override { return fs_.Remove(paths_.Blob(digest)); }

  Result<std::vector<Digest>> List() override {
    std::vector<Digest> digests;
    GODWIT_ASSIGN_OR_RETURN(const auto outer_names, fs_.List(paths_.Blobs()));
    for (const std::string& outer_name : outer_names) {
      const std::string outer = JoinPath(paths_.Blobs(), outer_name);
      GODWIT_ASSIGN_OR_RETURN(const auto inner_names, fs_.List(outer));
      for (const std::string& inner_name : inner_names) {
        GODWIT_ASSIGN_OR_RETURN(const auto names, fs_.List(JoinPath(outer, inner_name)));
        for (const std::string& name : names) {
          const auto digest = Digest::Parse(name);
          if (digest.ok()) digests.push_back(*digest);
        }
      }
    }
    return digests;
  }

  Result<std::vector<std::string>> ListUploadsBefore(int64_t modified_before_ms) override {
    GODWIT_ASSIGN_OR_RETURN(const auto names, fs_.List(paths_.Uploads()));
    std::vector<std::string> ids;
    const std::set<std::string_view> present(names.begin(), names.end());
    for (const std::string& name : names) {
      std::string id = name;
      if (name.ends_with(kJournalSuffix)) {
        id.resize(name.size() - kJournalSuffix.size());
        // Without its bytes it is what a crash at the end of Commit left; with them they decide.
        if (present.contains(id)) continue;
      }
      if (!IsUploadId(id)) continue;
      const auto info = fs_.Stat(JoinPath(paths_.Uploads(), name));
      if (!info.ok() || info->modified_ms() >= modified_before_ms) continue;
      // Whoever is writing it holds its lock, even if he has been silent for long.
      if (name == id && !fs_.TryLock(paths_.Upload(id), LockMode::kExclusive).ok()) continue;
      ids.push_back(std::move(id));
    }
    return ids;
  }

 private:
  FileSystem& fs_;
  const BlobPaths paths_;
  const BlobStoreOptions options_;
  DiskSpace space_;
};

}  // namespace

Result<std::unique_ptr<BlobUpload>> StartUploadOf(BlobStore& store, uint64_t size_bytes) {
  GODWIT_ASSIGN_OR_RETURN(auto upload, store.StartUpload());
  const Status reserved = upload->Reserve(size_bytes);
  if (reserved.ok()) return upload;
  (void)upload->Cancel();
  return reserved;
}

Result<std::unique_ptr<BlobStore>> OpenBlobStore(FileSystem& fs, const std::string& directory,
                                                 const BlobStoreOptions& options) {
  const BlobPaths paths{directory};
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs, paths.Blobs()).WithContext("open blobs"));
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs, paths.Uploads()).WithContext("open blobs"));
  return std::unique_ptr<BlobStore>(std::make_unique<FileBlobStore>(fs, directory, options));
}

}  // namespace godwit::server
