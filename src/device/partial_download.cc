#include "device/partial_download.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "device/hash_file.h"
#include "device/store_layout.h"

namespace godwit {
namespace {

class FilePartialDownload final : public PartialDownload {
 public:
  FilePartialDownload(FileSystem& fs, const Clock& clock, PartialDownloadPlan plan)
      : fs_(fs), clock_(clock), plan_(std::move(plan)) {}

  Status Start() {
    GODWIT_ASSIGN_OR_RETURN(blob_stands_, FindBlob());
    if (blob_stands_) {
      size_bytes_ = plan_.expected_size_bytes;
      return Status::Ok();
    }
    GODWIT_ASSIGN_OR_RETURN(file_, fs_.Open(plan_.partial_path, OpenMode::kReadWrite));
    GODWIT_ASSIGN_OR_RETURN(size_bytes_, HashFile(*file_, hasher_));
    if (size_bytes_ > plan_.expected_size_bytes) return Restart();
    resumed_bytes_ = size_bytes_;
    return Status::Ok();
  }

  uint64_t size_bytes() const override { return size_bytes_; }
  uint64_t resumed_bytes() const override { return resumed_bytes_; }

  Status Append(std::span<const std::byte> data) override {
    if (data.size() > plan_.expected_size_bytes - size_bytes_) {
      return Status(StatusCode::kModelHashMismatch,
                    "store model " + plan_.name + ": more than the announced " +
                        std::to_string(plan_.expected_size_bytes) +
                        " bytes arrive; ask the server again what it offers");
    }
    if (data.empty()) return Status::Ok();
    assert(file_ != nullptr);  // A standing blob has no room left.
    GODWIT_RETURN_IF_ERROR(
        file_->WriteAt(size_bytes_, data).WithContext("store model " + plan_.name));
    hasher_.Update(data);
    size_bytes_ += data.size();
    return Status::Ok();
  }

  Status Restart() override {
    if (blob_stands_) {
      blob_stands_ = false;
      GODWIT_ASSIGN_OR_RETURN(file_, fs_.Open(plan_.partial_path, OpenMode::kReadWrite));
    }
    hasher_ = Hasher();
    size_bytes_ = 0;
    resumed_bytes_ = 0;
    return file_->Truncate(0);
  }

  Result<std::string> Place() override {
    GODWIT_RETURN_IF_ERROR(DoPlace().WithContext("store model " + plan_.name));
    return plan_.blob_path;
  }

  Result<LocalModel> Activate(std::optional<uint64_t> version) override {
    return DoActivate(version).WithContext("store model " + plan_.name);
  }

  Status Abandon() override {
    file_.reset();
    return fs_.Remove(plan_.partial_path);
  }

 private:
  // Whether the very file stands already. One that is damaged is downloaded over.
  Result<bool> FindBlob() {
    const auto opened = fs_.Open(plan_.blob_path, OpenMode::kRead);
    if (!opened.ok() && opened.status().code() == StatusCode::kNotFound) return false;
    if (!opened.ok()) return opened.status();
    GODWIT_ASSIGN_OR_RETURN(const uint64_t size_bytes, opened.value()->Size());
    if (size_bytes != plan_.expected_size_bytes) return false;
    Hasher hasher;
    GODWIT_RETURN_IF_ERROR(HashFile(*opened.value(), hasher).status());
    return hasher.Finish() == plan_.expected;
  }

  // Each step stands on the one before: bytes, their name, the record that leads to the name.
  Status DoPlace() {
    if (!blob_stands_) GODWIT_RETURN_IF_ERROR(CheckAndSync());
    // A collection's note that nobody needs this blob goes before someone does.
    GODWIT_RETURN_IF_ERROR(fs_.Remove(plan_.blob_path + std::string(kUnusedSuffix)));
    if (!blob_stands_) GODWIT_RETURN_IF_ERROR(fs_.Rename(plan_.partial_path, plan_.blob_path));
    // Also for a blob that stood: who put it there may have died before this step.
    GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(ParentPath(plan_.blob_path)));
    blob_stands_ = true;
    return Status::Ok();
  }

  Result<LocalModel> DoActivate(std::optional<uint64_t> version) {
    assert(blob_stands_);
    GODWIT_ASSIGN_OR_RETURN(const auto previous, FindPrevious());
    ModelRecord record{plan_.name, plan_.expected, size_bytes_, clock_.NowMs(),
                       version,    previous,       plan_.seed};
    GODWIT_RETURN_IF_ERROR(ReplaceFile(fs_, plan_.record_path, EncodeModelRecord(record)));
    return LocalModel{record.name,       record.digest.ToHex(),   plan_.blob_path,
                      record.size_bytes, record.downloaded_at_ms, record.version,
                      record.previous};
  }

  // What the device can go back to from the new version: the version that it replaces; when that
  // is the same file, the one before. A record that cannot be read leads nowhere.
  Result<std::optional<PreviousVersion>> FindPrevious() {
    const auto bytes = ReadWholeFile(fs_, plan_.record_path, kStoreFileMaxBytes);
    if (!bytes.ok() && bytes.status().code() != StatusCode::kNotFound &&
        bytes.status().code() != StatusCode::kOutOfRange) {
      return bytes.status();
    }
    if (!bytes.ok()) return std::optional<PreviousVersion>();
    const auto old = ParseModelRecord(*bytes);
    if (!old.ok()) return std::optional<PreviousVersion>();
    if (old->digest == plan_.expected) return old->previous;
    return std::optional(PreviousVersion{old->digest, old->size_bytes, old->version});
  }

  Status CheckAndSync() {
    const Digest found = hasher_.Finish();
    if (size_bytes_ != plan_.expected_size_bytes || found != plan_.expected) {
      (void)Abandon();  // The mismatch is the news; a file that stays is overwritten next time.
      return Status(StatusCode::kModelHashMismatch,
                    std::to_string(size_bytes_) + " bytes with SHA-256 " + found.ToHex() +
                        " arrived instead of " + std::to_string(plan_.expected_size_bytes) +
                        " bytes with " + plan_.expected.ToHex() +
                        "; they are dropped and the model on this device stays as it was");
    }
    // No write reaches past the expected size, not even one that failed halfway: this is all.
    GODWIT_RETURN_IF_ERROR(file_->Sync());
    file_.reset();
    return Status::Ok();
  }

  FileSystem& fs_;
  const Clock& clock_;
  const PartialDownloadPlan plan_;
  bool blob_stands_ = false;
  std::unique_ptr<File> file_;  // Null while the blob stands.
  Hasher hasher_;
  uint64_t size_bytes_ = 0;
  uint64_t resumed_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<PartialDownload>> OpenPartialDownload(FileSystem& fs, const Clock& clock,
                                                             PartialDownloadPlan plan) {
  auto download = std::make_unique<FilePartialDownload>(fs, clock, std::move(plan));
  GODWIT_RETURN_IF_ERROR(download->Start());
  return std::unique_ptr<PartialDownload>(std::move(download));
}

}  // namespace godwit
