#include "device/hash_file.h"

#include <span>
#include <vector>

namespace godwit {
namespace {

constexpr size_t kHashChunkBytes = 256 << 10;

}  // namespace

Result<uint64_t> HashFile(File& file, Hasher& hasher, const std::atomic<bool>* cancelled) {
  std::vector<std::byte> chunk(kHashChunkBytes);
  uint64_t offset = 0;
  while (true) {
    if (cancelled != nullptr && *cancelled) {
      return Status(StatusCode::kCancelled, "hash a file: cancelled");
    }
    GODWIT_ASSIGN_OR_RETURN(const size_t count, file.ReadAt(offset, chunk));
    if (count == 0) return offset;
    hasher.Update(std::span(chunk).first(count));
    offset += count;
  }
}

Result<Digest> DigestOfFile(FileSystem& fs, const std::string& path,
                            const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kRead));
  Hasher hasher;
  GODWIT_RETURN_IF_ERROR(HashFile(*file, hasher, cancelled).status());
  return hasher.Finish();
}

}  // namespace godwit
