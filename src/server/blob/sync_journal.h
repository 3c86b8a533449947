// SyncJournal: beside a file that grows, how much of it is surely on the platter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "fs/file_system.h"

namespace godwit::server {

// A first part of a file and its CRC-32C. A value type.
struct SyncedPart {
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
};

// Appends a checksummed record for each sync of the file, so that a torn one costs only itself.
// Not thread-safe.
class SyncJournal {
 public:
  // Creates the file when absent. fs must outlive the journal.
  static Result<SyncJournal> Open(FileSystem& fs, const std::string& path);

  // The last part noted; nothing when none was.
  SyncedPart last() const { return last_; }

  // Durable when it returns Ok. REQUIRES: the part itself was synced before.
  Status Append(const SyncedPart& part);

  // Forgets all, durably. To be called before the file's bytes change.
  Status Clear();

 private:
  SyncJournal(std::unique_ptr<File> file, uint64_t record_count, SyncedPart last)
      : file_(std::move(file)), record_count_(record_count), last_(last) {}

  std::unique_ptr<File> file_;
  uint64_t record_count_;
  SyncedPart last_;
};

}  // namespace godwit::server
