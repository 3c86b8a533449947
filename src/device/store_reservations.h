// StoreReservations: the room that this process's running downloads will take up.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace godwit {

// Thread-safe.
class StoreReservations : public std::enable_shared_from_this<StoreReservations> {
 public:
  // Ends with its last copy.
  using Held = std::shared_ptr<const void>;

  // What each running download's file will have in the end, by the partial file's name.
  std::map<std::string, uint64_t> bytes() const;

  // The caller's download will fill that partial file.
  Held Reserve(const std::string& partial_name, uint64_t size_bytes);

  // Held from looking at the room until Reserve.
  std::mutex& deciding() { return deciding_; }

 private:
  std::mutex deciding_;
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> bytes_;  // Guarded by mutex_.
};

}  // namespace godwit
