// How a download's file, whole on the disk, becomes the model.
#include "device/download_run.h"

namespace godwit {
namespace {

std::optional<uint64_t> VersionOf(const DownloadReply& reply) {
  return reply.model_version == 0 ? std::nullopt : std::optional<uint64_t>(reply.model_version);
}

}  // namespace

// Whether the device may switch to the new version, whose file is at path.
Status DownloadRun::AskGate(const std::string& path) {
  if (seams_.gate == nullptr) return Status::Ok();
  return seams_.gate->Check(
      {name_, path, reply_.model_hash, reply_.size_bytes, VersionOf(reply_), {}});
}

DownloadEvent DownloadRun::Commit() {
  const auto placed = partial_->Place();
  if (!placed.ok()) {
    const StatusCode code = placed.status().code();
    partial_.reset();
    return Fail(code == StatusCode::kModelHashMismatch ? Event::kMismatch : Event::kFatal,
                placed.status());
  }
  if (transfer_recorded_) Record(EventKind::kFinished);
  if (Status judged = AskGate(*placed); !judged.ok()) {
    partial_.reset();
    return Fail(Event::kFatal, std::move(judged));
  }
  auto activated = partial_->Activate(VersionOf(reply_));
  partial_.reset();
  if (!activated.ok()) return Fail(Event::kFatal, activated.status());
  local_ = *std::move(activated);
  Record(EventKind::kSwitched);
  seams_.logger.Info("a model was downloaded",
                     {{"model", name_},
                      {"hash", local_->hash},
                      {"size_bytes", std::to_string(local_->size_bytes)}});
  if (const Status collected = seams_.store.CollectGarbage(); !collected.ok()) {
    seams_.logger.Warning("old files stay in the store", {{"cause", collected.message()}});
  }
  return Event::kSucceeded;
}

}  // namespace godwit
