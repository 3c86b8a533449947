// Hashing what lies on the disk, in pieces: memory does not grow with the file.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"
#include "digest/digest.h"
#include "fs/file_system.h"

namespace godwit {

// Feeds the file's bytes to the hasher; returns how many there were. kCancelled soon after
// *cancelled becomes true; may be null.
Result<uint64_t> HashFile(File& file, Hasher& hasher, const std::atomic<bool>* cancelled = nullptr);

Result<Digest> DigestOfFile(FileSystem& fs, const std::string& path,
                            const std::atomic<bool>* cancelled = nullptr);

}  // namespace godwit
