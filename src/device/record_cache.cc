#include "device/record_cache.h"

#include <span>
#include <utility>

namespace godwit {
namespace {

constexpr size_t kCachedMax = 16;  // Each holds a descriptor.

}  // namespace

Result<std::shared_ptr<const StandingRecord>> RecordCache::Read(const std::string& path) {
  GODWIT_ASSIGN_OR_RETURN(const FileInfo info, fs_.Stat(path));
  {
    const std::lock_guard lock(mutex_);
    const auto cached = by_path_.find(path);
    if (cached != by_path_.end() && cached->second->info == info) return cached->second;
  }
  auto fresh = ReadAnew(path);
  const std::lock_guard lock(mutex_);
  by_path_.erase(path);
  if (!fresh.ok()) return fresh;
  if (by_path_.size() >= kCachedMax) by_path_.clear();
  by_path_[path] = *fresh;
  return fresh;
}

Result<std::shared_ptr<const StandingRecord>> RecordCache::ReadAnew(const std::string& path) {
  auto read = std::make_shared<StandingRecord>();
  GODWIT_ASSIGN_OR_RETURN(read->file, fs_.Open(path, OpenMode::kRead));
  GODWIT_ASSIGN_OR_RETURN(read->info, read->file->Info());
  if (read->info.size_bytes > kStoreFileMaxBytes) {
    return Status(StatusCode::kDataLoss, "the file is too long");
  }
  std::string bytes(static_cast<size_t>(read->info.size_bytes), '\0');
  GODWIT_ASSIGN_OR_RETURN(const size_t count,
                          read->file->ReadAt(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(count);
  GODWIT_ASSIGN_OR_RETURN(read->record, ParseModelRecord(bytes));
  return std::shared_ptr<const StandingRecord>(std::move(read));
}

}  // namespace godwit
