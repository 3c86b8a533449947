// How a download's file, whole on the disk, becomes the model.
#include <utility>

#include "device/blob_sink.h"
#include "device/download_run.h"
#include "device/retry.h"
#include "protocol/error_body.h"

namespace godwit {
namespace {

std::optional<uint64_t> VersionOf(const DownloadReply& reply) {
  return reply.model_version == 0 ? std::nullopt : std::optional<uint64_t>(reply.model_version);
}

}  // namespace

// The server says that this file must not be used any more.
void DownloadRun::LeaveRevoked(const std::string& hash) {
  if (!local_ || local_->hash != hash) return;
  const auto fell = seams_.store.FallBack(name_, *Digest::Parse(hash));
  if (!fell.ok()) {
    seams_.logger.Warning("a revoked version could not be left; the next check tries again",
                          {{"model", name_}, {"cause", fell.status().message()}});
  } else if (*fell) {
    seams_.logger.Warning("a version was revoked and is left", {{"model", name_}, {"hash", hash}});
  }
}

// Brings the version's golden inputs, which lie among the blobs until a collection. They are
// small, so what broke off begins again.
DownloadEvent DownloadRun::FetchGolden(std::string& path) {
  const GoldenFile& golden = *reply_.golden;
  // No model's name has a slash.
  auto opened =
      seams_.store.OpenPartial("golden/" + name_, *Digest::Parse(golden.hash), golden.size_bytes);
  if (!opened.ok()) return Fail(Event::kFatal, opened.status());
  PartialDownload& partial = **opened;
  if (partial.size_bytes() < golden.size_bytes) {
    if (Status restarted = partial.Restart(); !restarted.ok())
      return Fail(Event::kFatal, restarted);
    HttpRequest request;
    request.url = golden.uri;
    request.headers = {{"Accept-Encoding", "identity"}};
    request.receive_limit_bytes_per_s = options_.receive_limit_bytes_per_s;
    std::atomic<uint64_t> bytes_done = 0;
    BlobSink sink(partial, golden.hash, golden.size_bytes, nullptr, bytes_done);
    const auto response = seams_.servers.Fetch(std::move(request), sink, &control_.cancelled);
    if (!response.ok()) {
      const StatusCode code = response.status().code();
      const bool transient = IsTransient(code) || code == StatusCode::kNoNetworkConnection;
      return Fail(transient ? Event::kTransient : Event::kFatal, response.status());
    }
    if (response->status != 200) {
      const bool busy = IsTransientHttp(response->status);
      return Fail(busy ? Event::kTransient : Event::kLinkExpired,
                  StatusFromErrorBody(response->status, sink.error_body())
                      .WithContext("get the golden inputs"));
    }
    if (partial.size_bytes() < golden.size_bytes) {
      return Fail(Event::kTransient,
                  Status(StatusCode::kUnavailable, "the golden inputs ended early; try again"));
    }
  }
  auto placed = partial.Place();
  if (!placed.ok()) return Fail(Event::kFatal, placed.status().WithContext("the golden inputs"));
  path = *std::move(placed);
  return Event::kSucceeded;
}

// Whether the device may switch to the new version, whose file is at path. A refusal is for ever,
// or until other golden inputs come with it.
Status DownloadRun::AskGate(const std::string& path, const std::string& golden_path) {
  const bool guarded = seams_.gate->runs_models();
  std::unique_ptr<FileLock> loading;
  if (guarded) {
    bool crashed = false;
    GODWIT_ASSIGN_OR_RETURN(loading, seams_.trials.BeginLoad(reply_.model_hash, crashed));
    if (crashed) Record(EventKind::kCrashed);
  }
  const GateVerdict verdict = seams_.gate->Check(
      {name_, path, reply_.model_hash, reply_.size_bytes, VersionOf(reply_), golden_path});
  if (guarded) {
    GODWIT_RETURN_IF_ERROR(seams_.trials.EndLoad(reply_.model_hash, std::move(loading)));
  }
  if (verdict.status.code() != StatusCode::kGateRefused) return verdict.status;
  Record(EventKind::kGateRefused, verdict.reason);
  const Status noted = seams_.trials.Refuse(
      reply_.model_hash, reply_.golden ? reply_.golden->hash : "", verdict.status.message());
  if (!noted.ok()) {
    seams_.logger.Warning("a refused version is not noted, so it will be tried again",
                          {{"model", name_}, {"cause", noted.message()}});
  }
  return verdict.status;
}

DownloadEvent DownloadRun::Commit() {
  control_.SetStatus(RequestState::kActivating);
  const auto placed = partial_->Place();
  if (!placed.ok()) {
    const StatusCode code = placed.status().code();
    partial_.reset();
    return Fail(code == StatusCode::kModelHashMismatch ? Event::kMismatch : Event::kFatal,
                placed.status());
  }
  if (std::exchange(transfer_recorded_, false)) Record(EventKind::kFinished);
  if (seams_.gate != nullptr) {
    std::string golden_path;
    if (reply_.golden && seams_.gate->runs_models()) {
      const Event fetched = FetchGolden(golden_path);
      if (fetched != Event::kSucceeded) return fetched;
    }
    if (Status judged = AskGate(*placed, golden_path); !judged.ok()) {
      partial_.reset();
      return Fail(Event::kFatal, std::move(judged));
    }
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
