// WorkerPool: threads for what blocks, behind a queue with a bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace godwit::server {

// Thread-safe. Tasks must not throw.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t queue_max);
  ~WorkerPool();  // As Stop.

  // False, and task is not run, when queue_max tasks wait already or after Stop.
  bool TrySubmit(std::function<void()> task);

  // Beyond the bound: for the next step of what TrySubmit let in. After Stop the task is
  // dropped.
  void Submit(std::function<void()> task);

  size_t queue_length() const;

  // Runs what is queued, then joins. Blocks. May be called twice.
  void Stop();

 private:
  bool Push(std::function<void()> task, size_t queue_max);
  void Run();

  const size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace godwit::server
