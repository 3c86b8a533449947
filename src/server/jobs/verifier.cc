#include "server/jobs/verifier.h"

#include <algorithm>
#include <chrono>

namespace godwit::server {
namespace {

constexpr std::chrono::milliseconds kRetryMin{100};
constexpr std::chrono::milliseconds kRetryMax{10'000};

// False when it was put off.
bool Finish(Registry& registry, ModelIntake& intake, Logger& logger, const Operation& operation) {
  const Result<SubmittedFile> file = intake.Validate(*operation.change.pending_file);
  // Bytes that are gone do not come back; everything else may pass.
  const bool settled = file.ok() || file.status().code() == StatusCode::kNotFound;
  const Status done = settled ? registry.FinishOperation(operation, file) : file.status();
  if (done.ok()) {
    logger.Info("file verified",
                {{"operation", operation.id}, {"uri", operation.change.pending_file->source_uri}});
    return true;
  }
  logger.Error("a file could not be verified; it will be tried again",
               {{"operation", operation.id}, {"reason", done.message()}});
  return false;
}

}  // namespace

Verifier::Verifier(Registry& registry, ModelIntake& intake, Logger& logger)
    : registry_(registry), intake_(intake), logger_(logger), thread_([this] { Run(); }) {}

Verifier::~Verifier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Verifier::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

bool Verifier::FinishOperations(Registry& registry, ModelIntake& intake, Logger& logger,
                                const std::function<bool()>& stop) {
  const auto operations = registry.ActiveOperations();
  if (!operations.ok()) {
    logger.Error("operations could not be read; it will be tried again",
                 {{"reason", operations.status().message()}});
    return false;
  }
  bool all_done = true;
  for (const Operation& operation : *operations) {
    if (stop()) return true;
    all_done = Finish(registry, intake, logger, operation) && all_done;
  }
  return all_done;
}

void Verifier::Run() {
  const auto stop = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  std::chrono::milliseconds retry = kRetryMin;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!woken_) {
      wake_.wait(lock, [this] { return woken_ || stopping_; });
      continue;
    }
    woken_ = false;
    lock.unlock();
    const bool all_done = FinishOperations(registry_, intake_, logger_, stop);
    lock.lock();
    if (all_done) {
      retry = kRetryMin;
      continue;
    }
    wake_.wait_for(lock, retry, [this] { return woken_ || stopping_; });
    retry = std::min(retry * 2, kRetryMax);
    woken_ = true;
  }
}

}  // namespace godwit::server
