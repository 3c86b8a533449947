// Verifier: validates big files in the background.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "server/jobs/model_intake.h"
#include "server/registry/registry.h"

namespace godwit::server {

// Works off the registry's active operations on a thread of its own, the oldest first, beginning
// with those that the last process left. What fails for a passing reason (a full disk, say) is
// tried again kTriesMax times, which takes a quarter of an hour; then the operation ends with an
// error, so that its model is not locked for ever.
class Verifier {
 public:
  static constexpr int kTriesMax = 100;
  static constexpr int kOtherBytesTriesMax = 3;  // A file that is not what it was: soon.

  // Does nothing before Start. All must outlive the verifier.
  Verifier(Registry& registry, ModelIntake& intake, Logger& logger);
  // Ends after the operation under way.
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // At most once.
  void Start();

  // There is a new operation. Thread-safe; does not block.
  void Wake();

  // How often each operation was put off, by its id.
  using Tries = std::map<std::string, int>;
  // One round over the active operations; what the thread does. `stop` is asked before each.
  // False when some were put off. Does not throw.
  static bool FinishOperations(Registry& registry, ModelIntake& intake, Logger& logger,
                               const std::function<bool()>& stop, Tries* tries);

 private:
  void Run();

  Registry& registry_;
  ModelIntake& intake_;
  Logger& logger_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = true;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace godwit::server
