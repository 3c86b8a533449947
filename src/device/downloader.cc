#include "device/downloader.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

#include "crypto/crypto.h"
#include "device/blob_sink.h"
#include "device/download.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr int64_t kSleepSliceMs = 100;
constexpr int64_t kFirstDelayMs = 500;
constexpr int64_t kDelayMaxMs = 30'000;
constexpr int64_t kRetryAfterMaxMs = 60'000;
constexpr size_t kReplyMax = 64 << 10;

Status Cancelled() {
  return Status(StatusCode::kCancelled,
                "cancelled; what has arrived is kept, and the next call goes on from there");
}

// Seconds in a Retry-After header, as milliseconds; 0 when it is absent or a date.
int64_t RetryAfterMs(const std::vector<HttpHeader>& headers) {
  const std::string_view text = FindHeader(headers, "Retry-After").value_or("");
  int32_t seconds = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && rest == text.data() + text.size();
  return whole && seconds > 0 ? int64_t{seconds} * 1000 : 0;
}

// Doubles with each retry; then between half of it and all of it by chance, so that devices
// that failed together do not come back together.
int64_t DelayMs(int retries_spent) {
  const int64_t delay_ms = std::min(kDelayMaxMs, kFirstDelayMs << std::min(retries_spent, 10));
  std::array<std::byte, 4> random;
  FillRandom(random);
  uint32_t number = 0;
  std::memcpy(&number, random.data(), sizeof number);
  return delay_ms / 2 + static_cast<int64_t>(number % static_cast<uint32_t>(delay_ms / 2 + 1));
}

bool IsTransientHttp(int status) {
  return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

bool IsTransient(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded;
}

}  // namespace

// One Fetch. The states' work; download.cc says what follows what.
class Downloader::Run {
 public:
  Run(Downloader& downloader, const ModelAddress& address, const DownloadConditions& conditions,
      DownloadControl& control)
      : downloader_(downloader),
        options_(downloader.options_),
        seams_(downloader.seams_),
        address_(address),
        name_(address.ToString()),
        conditions_(conditions),
        control_(control),
        started_ms_(downloader.seams_.clock.MonotonicMs()) {}

  Result<LocalModel> ToTheEnd();

 private:
  using Event = DownloadEvent;

  Result<LocalModel> StepByStep();
  void Record(EventKind kind, EventReason reason = EventReason::kNone);

  Event Do(DownloadState state);
  Event Check();
  Event ReadReply(const HttpResponse& response);
  Event Transfer();
  Event OpenPartial();
  Event CheckSpace();
  Event JudgeFile(const HttpResponse& response, const std::string& error_body);
  Event Commit();

  Event Fail(Event event, Status error) {
    error_ = std::move(error);
    return event;
  }
  Status WaitToRetry();
  Status Sleep(int64_t duration_ms);
  HttpRequest CheckRequest(const std::string& token) const;

  Downloader& downloader_;
  const DownloaderOptions& options_;
  const DownloaderSeams& seams_;
  const ModelAddress& address_;
  const std::string name_;
  const DownloadConditions conditions_;
  DownloadControl& control_;

  DownloadBudgets budgets_;
  std::optional<LocalModel> local_;  // The result, once the state is kDone.
  DownloadReply reply_;
  std::unique_ptr<PartialDownload> partial_;  // Holds the model's lock.
  int64_t retry_after_ms_ = 0;
  Status error_;  // Of the latest failure.

  // For the events.
  const int64_t started_ms_;
  bool transfer_recorded_ = false;
  uint64_t bytes_received_ = 0;
};

Result<LocalModel> Downloader::Run::ToTheEnd() {
  auto result = StepByStep();
  if (!result.ok()) Record(EventKind::kFailed, ReasonOf(result.status().code()));
  return result;
}

void Downloader::Run::Record(EventKind kind, EventReason reason) {
  DeviceEvent event;
  event.kind = kind;
  event.model = name_;
  event.hash = reply_.model_hash;
  event.reason = reason;
  if (kind == EventKind::kFinished || kind == EventKind::kFailed) {
    event.bytes = bytes_received_;
    event.duration_ms = seams_.clock.MonotonicMs() - started_ms_;
  }
  seams_.events.Record(event);
}

Result<LocalModel> Downloader::Run::StepByStep() {
  DownloadState state = DownloadState::kCheck;
  while (state != DownloadState::kDone && state != DownloadState::kFailed) {
    if (control_.cancelled) return Cancelled();
    const DownloadStep step = NextStep(state, Do(state));
    if (!budgets_.Spend(step.budget)) break;
    if (step.budget == DownloadBudget::kRetries) GODWIT_RETURN_IF_ERROR(WaitToRetry());
    state = step.next;
  }
  if (state != DownloadState::kDone) {
    assert(!error_.ok());
    return error_;
  }
  assert(local_.has_value());
  return *std::move(local_);
}

DownloadEvent Downloader::Run::Do(DownloadState state) {
  switch (state) {
    case DownloadState::kCheck:
      return Check();
    case DownloadState::kTransfer:
      return Transfer();
    default:
      return Commit();
  }
}

Status Downloader::Run::Sleep(int64_t duration_ms) {
  while (duration_ms > 0 && !control_.cancelled) {
    const int64_t slice_ms = std::min(duration_ms, kSleepSliceMs);
    seams_.clock.SleepMs(slice_ms);
    duration_ms -= slice_ms;
  }
  return control_.cancelled ? Cancelled() : Status::Ok();
}

Status Downloader::Run::WaitToRetry() {
  if (retry_after_ms_ > kRetryAfterMaxMs) {
    return Status(error_.code(), error_.message() + "; the server asks to come back in " +
                                     std::to_string(retry_after_ms_ / 1000) + " s");
  }
  const int64_t delay_ms = std::max(DelayMs(budgets_.retries_spent() - 1), retry_after_ms_);
  retry_after_ms_ = 0;
  seams_.logger.Info(
      "the download will be tried again",
      {{"model", name_}, {"delay_ms", std::to_string(delay_ms)}, {"cause", error_.message()}});
  return Sleep(delay_ms);
}

HttpRequest Downloader::Run::CheckRequest(const std::string& token) const {
  HttpRequest request;
  request.url = options_.server_url + DownloadPath(options_.project_id, address_);
  request.headers = {{std::string(kApiKeyHeader), options_.api_key},
                     {std::string(kInstallationTokenHeader), token},
                     {"Accept", "application/json"}};
  if (local_) request.headers.push_back({"If-None-Match", local_->hash});
  request.stall_timeout_ms = options_.stall_timeout_ms;
  request.response_body_max_bytes = kReplyMax;
  return request;
}

DownloadEvent Downloader::Run::Check() {
  partial_.reset();  // The answer may name another file.
  const auto token = seams_.installation.Token(&control_.cancelled);
  if (!token.ok()) {
    // The device that has no network at all learns it at once; the others try again.
    return Fail(IsTransient(token.status().code()) ? Event::kTransient : Event::kFatal,
                token.status());
  }
  auto found = seams_.store.Find(name_);
  if (!found.ok()) return Fail(Event::kFatal, found.status());
  local_ = *std::move(found);

  const auto response = seams_.http.Send(CheckRequest(*token), nullptr, &control_.cancelled);
  if (!response.ok()) {
    return Fail(IsTransient(response.status().code()) ? Event::kTransient : Event::kFatal,
                response.status());
  }
  if (response->status == 200) return ReadReply(*response);
  if (response->status == 304) {
    if (local_) return Event::kUnchanged;
    return Fail(Event::kMismatch,
                Status(StatusCode::kDataLoss,
                       "the server says 'unchanged' to a device without the model; check what "
                       "lies between this device and the server"));
  }
  error_ = StatusFromErrorBody(response->status, response->body);
  retry_after_ms_ = RetryAfterMs(response->headers);
  if (response->status == 401) {
    const Status forgotten = seams_.installation.Forget(*token, &control_.cancelled);
    return forgotten.ok() ? Event::kTokenRefused : Fail(Event::kFatal, forgotten);
  }
  return IsTransientHttp(response->status) ? Event::kTransient : Event::kFatal;
}

DownloadEvent Downloader::Run::ReadReply(const HttpResponse& response) {
  auto reply = ParseDownloadReply(response.body, FindHeader(response.headers, "ETag").value_or(""));
  if (!reply.ok()) return Fail(Event::kFatal, reply.status());
  reply_ = *std::move(reply);
  if (local_ && local_->hash == reply_.model_hash) return Event::kUnchanged;
  DeviceState device_state;
  {
    const std::lock_guard lock(downloader_.mutex_);
    device_state = downloader_.device_state_;
  }
  if (Status unmet = CheckConditions(conditions_, device_state); !unmet.ok()) {
    return Fail(Event::kFatal, std::move(unmet));
  }
  control_.bytes_total = reply_.size_bytes;
  return Event::kSucceeded;
}

DownloadEvent Downloader::Run::OpenPartial() {
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
    if (Status slept = Sleep(kSleepSliceMs); !slept.ok()) return Fail(Event::kFatal, slept);
    auto found = seams_.store.Find(name_);
    if (!found.ok()) return Fail(Event::kFatal, found.status());
    if (*found && (*found)->hash == reply_.model_hash) {
      local_ = *std::move(found);
      return Event::kUnchanged;
    }
  }
}

DownloadEvent Downloader::Run::CheckSpace() {
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

DownloadEvent Downloader::Run::Transfer() {
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
  if (start > 0) {
    request.headers = {{"Range", "bytes=" + std::to_string(start) + "-"},
                       {"If-Range", "\"" + reply_.model_hash + "\""}};
  }
  request.stall_timeout_ms = options_.stall_timeout_ms;
  request.receive_limit_bytes_per_s = options_.receive_limit_bytes_per_s;
  BlobSink sink(*partial_, reply_.model_hash, reply_.size_bytes, control_.bytes_done);
  const auto response = seams_.http.Send(request, &sink, &control_.cancelled);
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

DownloadEvent Downloader::Run::JudgeFile(const HttpResponse& response,
                                         const std::string& error_body) {
  const int status = response.status;
  if (status == 200 || status == 206) {
    if (partial_->size_bytes() == reply_.size_bytes) return Event::kSucceeded;
    return Fail(Event::kTransient,
                Status(StatusCode::kUnavailable, "the file ended early; try again"));
  }
  error_ = StatusFromErrorBody(status, error_body);
  retry_after_ms_ = RetryAfterMs(response.headers);
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

DownloadEvent Downloader::Run::Commit() {
  auto committed = partial_->Commit(
      reply_.model_version == 0 ? std::nullopt : std::optional<uint64_t>(reply_.model_version));
  partial_.reset();
  if (!committed.ok()) {
    return Fail(committed.status().code() == StatusCode::kModelHashMismatch ? Event::kMismatch
                                                                            : Event::kFatal,
                committed.status());
  }
  local_ = *std::move(committed);
  if (transfer_recorded_) Record(EventKind::kFinished);
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

Result<LocalModel> Downloader::Fetch(const ModelAddress& address,
                                     const DownloadConditions& conditions,
                                     DownloadControl& control) {
  return Run(*this, address, conditions, control).ToTheEnd();
}

void Downloader::SetDeviceState(const DeviceState& state) {
  const std::lock_guard lock(mutex_);
  device_state_ = state;
}

}  // namespace godwit
