// RecordCache: the models' records as they stand on the disk, parsed once each.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "device/store_format.h"
#include "fs/file_system.h"

namespace godwit {

// One record as it was read, and its file. Immutable.
struct StandingRecord {
  ModelRecord record;
  FileInfo info;
  // Open, so that no later file gets the same id: equal ids mean the very same file, even after
  // two replacements within one tick of the disk's clock.
  std::unique_ptr<File> file;
};

// Thread-safe. Other processes may replace records at any time.
class RecordCache {
 public:
  explicit RecordCache(FileSystem& fs) : fs_(fs) {}

  // The record that stands there now; one Stat when it is the one that was read before.
  // kNotFound when there is none, kDataLoss when it is damaged.
  Result<std::shared_ptr<const StandingRecord>> Read(const std::string& path);

 private:
  Result<std::shared_ptr<const StandingRecord>> ReadAnew(const std::string& path);

  FileSystem& fs_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const StandingRecord>> by_path_;  // Guarded by mutex_.
};

}  // namespace godwit
