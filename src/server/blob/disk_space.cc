#include "server/blob/disk_space.h"

namespace godwit::server {

Status DiskSpace::Exchange(uint64_t held_bytes, uint64_t wanted_bytes) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const uint64_t free_bytes, fs_.FreeBytes(folder_));
  const uint64_t others_bytes = promised_bytes_ - held_bytes;
  const uint64_t taken_bytes = reserve_bytes_ + others_bytes;
  if (free_bytes < taken_bytes || free_bytes - taken_bytes < wanted_bytes) {
    return Status(StatusCode::kNotEnoughSpace,
                  "the server's disk is nearly full (" + std::to_string(free_bytes >> 20) +
                      " MiB free, of which " + std::to_string(reserve_bytes_ >> 20) +
                      " MiB are kept in reserve and " + std::to_string(others_bytes >> 20) +
                      " MiB are for uploads under way); free some space there, then upload again");
  }
  promised_bytes_ = others_bytes + wanted_bytes;
  return Status::Ok();
}

void DiskSpace::Release(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  promised_bytes_ -= bytes;
}

}  // namespace godwit::server
