// How a download's file comes over the network.
#include <utility>

#include "device/blob_sink.h"
#include "device/download_run.h"
#include "device/retry.h"
#include "protocol/error_body.h"

namespace godwit {
namespace {

constexpr int64_t kLockPollMs = 100;

}  // namespace

DownloadEvent DownloadRun::OpenPartial() {
  const auto digest = Digest::Parse(reply_.model_hash);
  if (!digest.ok()) return Fail(Event::kFatal, digest.status());
  for (;;) {
    auto opened = seams_.store.OpenPartial(name_, *digest, reply_.size_bytes);
    if (opened.ok()) {
      partial_ = *std::move(opened);
      return Event::kSucceeded;
    }
    if (opened.status().code() != StatusCode::kUnavailable) {
      return Fail(Event::kFatal, opened.status());
    }
    // Another one downloads this model: wait until it is there, or until it is our turn.
    if (Status slept = Sleep(kLockPollMs); !slept.ok()) return Fail(Event::kFatal, slept);
    auto found = seams_.store.Find(name_);
    if (!found.ok()) return Fail(Event::kFatal, found.status());
    if (*found && (*found)->hash == reply_.model_hash) {
      local_ = *std::move(found);
      return Event::kUnchanged;
    }
  }
}

DownloadEvent DownloadRun::CheckSpace() {
  const uint64_t needed = reply_.size_bytes - partial_->size_bytes();
  const auto free = seams_.file_system.FreeBytes(seams_.store.directory());
  // A disk that cannot tell says so when it is written to.
  if (!free.ok() || *free >= needed) return Event::kSucceeded;
  return Fail(Event::kFatal,
              Status(StatusCode::kNotEnoughSpace,
                     "the model needs " + std::to_string(needed) + " bytes more and the disk has " +
                         std::to_string(*free) +
                         ", so it was not downloaded; free some space and try again"));
}

DownloadEvent DownloadRun::Transfer() {
  if (!partial_) {
    if (const Event opened = OpenPartial(); opened != Event::kSucceeded) return opened;
  }
  const uint64_t start = partial_->size_bytes();
  control_.bytes_done = start;
  if (start == reply_.size_bytes) return Event::kSucceeded;
  if (const Event space = CheckSpace(); space != Event::kSucceeded) return space;
  if (!std::exchange(transfer_recorded_, true)) {
    Record(start > 0 ? EventKind::kResumed : EventKind::kStarted);
  }

  HttpRequest request;
  request.url = reply_.download_uri;
  request.headers = {{"Accept-Encoding", "identity"}};  // The hash is of the file as it is.
  if (start > 0) {
    request.headers.push_back({"Range", "bytes=" + std::to_string(start) + "-"});
    request.headers.push_back({"If-Range", "\"" + reply_.model_hash + "\""});
  }
  request.receive_limit_bytes_per_s = options_.receive_limit_bytes_per_s;
  BlobSink sink(*partial_, reply_.model_hash, reply_.size_bytes, control_.bytes_done);
  const auto response = seams_.servers.Fetch(std::move(request), sink, &control_.cancelled);
  bytes_received_ += sink.bytes_received();
  if (partial_->size_bytes() > start) budgets_.Refill();
  if (response.ok()) return JudgeFile(*response, sink.error_body());
  const StatusCode code = response.status().code();
  if (code == StatusCode::kModelHashMismatch) {
    const Status restarted = partial_->Restart();
    return restarted.ok() ? Fail(Event::kMismatch, response.status())
                          : Fail(Event::kFatal, restarted);
  }
  // Here a missing network is a gap in the network: it was there a moment ago.
  const bool transient = IsTransient(code) || code == StatusCode::kNoNetworkConnection;
  return Fail(transient ? Event::kTransient : Event::kFatal, response.status());
}

DownloadEvent DownloadRun::JudgeFile(const HttpResponse& response, const std::string& error_body) {
  const int status = response.status;
  if (status == 200 || status == 206) {
    if (partial_->size_bytes() == reply_.size_bytes) return Event::kSucceeded;
    return Fail(Event::kTransient,
                Status(StatusCode::kUnavailable, "the file ended early; try again"));
  }
  if (status >= 300 && status < 400) return Fail(Event::kTransient, RedirectError(response));
  error_ = StatusFromErrorBody(status, error_body);
  retry_after_ms_ = RetryAfterMs(response, seams_.clock);
  if (status == 416) {
    const Status restarted = partial_->Restart();
    return restarted.ok() ? Event::kMismatch : Fail(Event::kFatal, restarted);
  }
  // A link that ran out is 400 on our server and 403 on others; a file that is gone may have
  // been replaced by a newer one. A new answer tells.
  const bool expired = seams_.clock.NowMs() >= reply_.expire_time_ms;
  if (status == 400 || status == 404 || status == 410 || (status == 403 && expired)) {
    return Fail(Event::kLinkExpired,
                Status(StatusCode::kDownloadUrlExpired,
                       "the link to the file was refused (" + error_.message() +
                           "), and so was each new one; try again later"));
  }
  return IsTransientHttp(status) ? Event::kTransient : Event::kFatal;
}

}  // namespace godwit
