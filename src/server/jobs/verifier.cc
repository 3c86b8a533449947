#include "server/jobs/verifier.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <vector>

namespace godwit::server {
namespace {

constexpr std::chrono::milliseconds kRetryMin{100};
constexpr std::chrono::milliseconds kRetryMax{10'000};

// Of what `work` does; an exception is kInternal.
template <typename Work>
Status StatusOf(Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, error.what());
  } catch (...) {
    return Status(StatusCode::kInternal, "not a std::exception");
  }
}

Status Verify(Registry& registry, ModelIntake& intake, const Operation& operation) {
  const Result<SubmittedFile> file = intake.Validate(*operation.change.pending_file);
  // Bytes that are gone do not come back; everything else may pass.
  const bool settled = file.ok() || file.status().code() == StatusCode::kNotFound;
  return settled ? registry.FinishOperation(operation, file) : file.status();
}

// False when it was put off.
bool Finish(Registry& registry, ModelIntake& intake, Logger& logger, const Operation& operation,
            int* tries) {
  const Status done = StatusOf([&] { return Verify(registry, intake, operation); });
  if (done.ok()) {
    logger.Info("file verified",
                {{"operation", operation.id}, {"uri", operation.change.pending_file->source_uri}});
    return true;
  }
  *tries += 1;
  const bool other_bytes = done.code() == StatusCode::kDataLoss;
  const Status error(other_bytes ? StatusCode::kDataLoss : StatusCode::kInternal,
                     "the file could not be verified, so nothing was changed: " + done.message() +
                         "; see the server's log");
  const int tries_max = other_bytes ? Verifier::kOtherBytesTriesMax : Verifier::kTriesMax;
  const bool given_up = *tries >= tries_max &&
                        StatusOf([&] { return registry.FinishOperation(operation, error); }).ok();
  logger.Error(given_up ? "a file could not be verified; it is given up"
                        : "a file could not be verified; it will be tried again",
               {{"operation", operation.id}, {"reason", done.message()}});
  return given_up;
}

}  // namespace

Verifier::Verifier(Registry& registry, ModelIntake& intake, Logger& logger)
    : registry_(registry), intake_(intake), logger_(logger) {}

void Verifier::Start() {
  thread_ = std::thread([this] { Run(); });
}

Verifier::~Verifier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Verifier::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

bool Verifier::FinishOperations(Registry& registry, ModelIntake& intake, Logger& logger,
                                const std::function<bool()>& stop, Tries* tries) {
  std::vector<Operation> operations;
  const Status read = StatusOf([&]() -> Status {
    GODWIT_ASSIGN_OR_RETURN(operations, registry.ActiveOperations());
    return Status::Ok();
  });
  if (!read.ok()) {
    logger.Error("operations could not be read; it will be tried again",
                 {{"reason", read.message()}});
    return false;
  }
  bool all_done = true;
  for (const Operation& operation : operations) {
    if (stop()) return true;
    const bool done = Finish(registry, intake, logger, operation, &(*tries)[operation.id]);
    if (done) tries->erase(operation.id);
    all_done = done && all_done;
  }
  return all_done;
}

void Verifier::Run() {
  const auto stop = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  std::chrono::milliseconds retry = kRetryMin;
  Tries tries;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!woken_) {
      wake_.wait(lock, [this] { return woken_ || stopping_; });
      continue;
    }
    woken_ = false;
    lock.unlock();
    const bool all_done = FinishOperations(registry_, intake_, logger_, stop, &tries);
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
