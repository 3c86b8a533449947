#include "device/store_reservations.h"

namespace godwit {

std::map<std::string, uint64_t> StoreReservations::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

StoreReservations::Held StoreReservations::Reserve(const std::string& partial_name,
                                                   uint64_t size_bytes) {
  {
    const std::lock_guard lock(mutex_);
    bytes_[partial_name] = size_bytes;
  }
  // A download may outlive its store.
  return {this, [self = shared_from_this(), partial_name](const void*) {
            const std::lock_guard lock(self->mutex_);
            self->bytes_.erase(partial_name);
          }};
}

}  // namespace godwit
