// How a model's bytes become a blob and a record. Behind model_store.h; not for its callers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "device/model_store.h"
#include "device/store_reservations.h"
#include "digest/digest.h"
#include "fs/file_system.h"

namespace godwit {

// Where everything lies, and the locks, in the order in which they were taken.
struct PartialDownloadPlan {
  StoreReservations::Held room;
  std::unique_ptr<FileLock> store_lock;
  std::unique_ptr<FileLock> model_lock;
  std::string name;
  Digest expected;
  uint64_t expected_size_bytes = 0;
  std::optional<Digest> seed;
  std::string record_path;
  std::string blob_path;
  std::string partial_path;
};

// Hashes what is there. fs and clock must outlive the result.
Result<std::unique_ptr<PartialDownload>> OpenPartialDownload(FileSystem& fs, const Clock& clock,
                                                             PartialDownloadPlan plan);

}  // namespace godwit
