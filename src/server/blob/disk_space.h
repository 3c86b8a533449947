// DiskSpace: who may write how much to a disk that must not fill up.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.h"
#include "fs/file_system.h"

namespace godwit::server {

// Uploads that run side by side each see the same free bytes; what one was promised is taken
// from what the others may have. Thread-safe.
class DiskSpace {
 public:
  // reserve_bytes: kept free for everything else. fs must outlive this.
  DiskSpace(FileSystem& fs, std::string folder, uint64_t reserve_bytes)
      : fs_(fs), folder_(std::move(folder)), reserve_bytes_(reserve_bytes) {}

  // Changes a promise of held_bytes into one of wanted_bytes. On kNotEnoughSpace it stays.
  Status Exchange(uint64_t held_bytes, uint64_t wanted_bytes);

  // Gives back some of a promise: the bytes are written, or will never be.
  void Release(uint64_t bytes);

 private:
  FileSystem& fs_;
  const std::string folder_;
  const uint64_t reserve_bytes_;
  std::mutex mutex_;
  uint64_t promised_bytes_ = 0;
};

}  // namespace godwit::server
