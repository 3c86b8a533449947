// How a download's file comes over the network.
#include <algorithm>
#include <utility>

#include "device/blob_sink.h"
#include "device/download_run.h"
#include "device/retry.h"
#include "protocol/error_body.h"

namespace godwit {
namespace {

constexpr int64_t kLockPollMs = 100;
constexpr int64_t kFreshMs = 60'000;

}  // namespace

// An update that nobody waits for is written down before it can be lost.
void DownloadRun::NotePending() {
  if (!control_.in_background || pending_noted_) return;
  pending_noted_ = true;
  if (const Status noted = seams_.pending.Add(address_, conditions_); !noted.ok()) {
    seams_.logger.Warning("an update would not be finished by a later process",
                          {{"model", name_}, {"cause", noted.message()}});
  }
}

void DownloadRun::ForgetPending() {
  if (const Status removed = seams_.pending.Remove(address_); !removed.ok()) {
    seams_.logger.Warning("an update that is done will be asked for again",
                          {{"model", name_}, {"cause", removed.message()}});
  }
}

// Takes a slot. Whoever has to wait for one holds no lock of the store meanwhile, so that other
// processes go on.
DownloadEvent DownloadRun::Enter() {
  NotePending();
  const int64_t began_ms = seams_.clock.MonotonicMs();
  if (!seams_.scheduler.TryEnter(control_, conditions_)) {
    partial_.reset();
    const auto entered = seams_.scheduler.Enter(control_, conditions_, [this] {
      const auto found = seams_.store.Find(name_);
      if (!found.ok() || !*found || (*found)->hash != reply_.model_hash) return false;
      local_ = *found;
      return true;
    });
    if (!entered.ok()) return Fail(Event::kFatal, entered.status());
    if (!*entered) return Event::kUnchanged;
  }
  // The slot is kept for the question, else others would take it each time.
  if (seams_.clock.MonotonicMs() - began_ms > kFreshMs) return Event::kStale;
  control_.SetStatus(RequestState::kDownloading);
  return Event::kSucceeded;
}

DownloadEvent DownloadRun::OpenPartial() {
  const auto digest = Digest::Parse(reply_.model_hash);
  if (!digest.ok()) return Fail(Event::kFatal, digest.status());
  auto opened = seams_.store.OpenPartial(name_, *digest, reply_.size_bytes);
  if (opened.ok()) {
    partial_ = *std::move(opened);
    return Event::kSucceeded;
  }
  if (opened.status().code() == StatusCode::kUnavailable) return FollowAnother(*digest);
  return Fail(Event::kFatal, opened.status());
}

// Another thread or process downloads this model: watches, without a slot, until it is there or
// until it is our turn.
DownloadEvent DownloadRun::FollowAnother(const Digest& digest) {
  seams_.scheduler.Leave(control_);
  control_.SetStatus(RequestState::kDownloading, "another one downloads it");
  do {
    if (Status slept = Sleep(kLockPollMs); !slept.ok()) return Fail(Event::kFatal, slept);
    auto found = seams_.store.Find(name_);
    if (!found.ok()) return Fail(Event::kFatal, found.status());
    if (*found && (*found)->hash == reply_.model_hash) {
      local_ = *std::move(found);
      control_.bytes_done = reply_.size_bytes;
      return Event::kUnchanged;
    }
    control_.bytes_done = seams_.store.ArrivedBytes(name_, digest);
  } while (seams_.store.IsDownloading(name_));
  return Event::kInterrupted;
}

DownloadEvent DownloadRun::CheckSpace() {
  const uint64_t needed = reply_.size_bytes - partial_->size_bytes();
  const auto free = seams_.file_system.FreeBytes(seams_.store.directory());
  // A disk that cannot tell says so when it is written to.
  if (!free.ok()) return Event::kSucceeded;
  const uint64_t usable = *free - std::min(*free, options_.free_disk_reserve_bytes);
  if (usable >= needed) return Event::kSucceeded;
  return Fail(Event::kFatal,
              Status(StatusCode::kNotEnoughSpace,
                     "the model needs " + std::to_string(needed) + " bytes more and the disk has " +
                         std::to_string(usable) + (usable == *free ? "" : " beside the reserve") +
                         ", so it was not downloaded; free some space and try again"));
}

DownloadEvent DownloadRun::Transfer() {
  if (const Event entered = Enter(); entered != Event::kSucceeded) return entered;
  const Event event = TransferInSlot();
  seams_.scheduler.Leave(control_);
  if (event == Event::kInterrupted) partial_.reset();
  return event;
}

DownloadEvent DownloadRun::TransferInSlot() {
  if (!partial_) {
    if (const Event opened = OpenPartial(); opened != Event::kSucceeded) return opened;
  }
  const uint64_t start = partial_->size_bytes();
  control_.bytes_done = start;
  if (start == reply_.size_bytes) return Event::kSucceeded;
  if (const Event space = CheckSpace(); space != Event::kSucceeded) return space;
  DataAllowance allowance(seams_.budget);
  if (const Status spent = allowance.Spend(0); !spent.ok()) {
    return spent.code() == StatusCode::kConditionsUnmet ? Event::kInterrupted
                                                        : Fail(Event::kFatal, spent);
  }
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
  BlobSink sink(*partial_, reply_.model_hash, reply_.size_bytes, &allowance, control_.bytes_done);
  const auto response = seams_.servers.Fetch(std::move(request), sink, &control_.interrupted);
  bytes_received_ += sink.bytes_received();
  if (partial_->size_bytes() > start) budgets_.Refill();
  if (response.ok()) return JudgeFile(*response, sink.error_body());
  const StatusCode code = response.status().code();
  if (control_.interrupted || code == StatusCode::kConditionsUnmet) {
    return control_.cancelled ? Fail(Event::kFatal, response.status()) : Event::kInterrupted;
  }
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
