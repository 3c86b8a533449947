// SnapshotCell: hands the newest immutable value to many threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace godwit::server {

// Thread-safe. Local() costs one atomic load while nothing has changed: each thread keeps its own
// owner of the value, so that threads do not fight over one reference count.
template <typename T>
class SnapshotCell {
 public:
  void Set(std::shared_ptr<const T> value) {
    static std::atomic<uint64_t> next_generation{1};
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    generation_.store(next_generation.fetch_add(1), std::memory_order_release);
  }

  // Null before the first Set. The reference is valid until this thread calls Local again; a
  // copy of it keeps the value alive.
  const std::shared_ptr<const T>& Local() const {
    thread_local uint64_t local_generation = 0;
    thread_local std::shared_ptr<const T> local;
    // Generations are unique over all cells, so a thread may visit several of them.
    if (generation_.load(std::memory_order_acquire) != local_generation) {
      const std::lock_guard lock(mutex_);
      local_generation = generation_.load(std::memory_order_relaxed);
      // An owner of an owner: its count is touched by this thread alone.
      auto owner = std::make_shared<const std::shared_ptr<const T>>(value_);
      local = std::shared_ptr<const T>(owner, owner->get());
    }
    return local;
  }

  // The newest value, for who writes or comes seldom: the thread keeps nothing of it.
  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<uint64_t> generation_{0};
};

}  // namespace godwit::server
