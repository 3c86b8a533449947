// What a download asks the server, and how it goes from state to state.
#include "device/download_run.h"

#include <algorithm>
#include <cassert>

#include "device/retry.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"

namespace godwit {
namespace {

constexpr int64_t kSleepSliceMs = 100;
constexpr int64_t kRetryWaitMaxMs = 60'000;  // Longer, and the call fails instead.
constexpr size_t kReplyMax = 64 << 10;

// Whether a later process would find nothing else.
bool IsForGood(StatusCode code) {
  return code == StatusCode::kOk || code == StatusCode::kNotFound ||
         code == StatusCode::kGateRefused || code == StatusCode::kQuarantined;
}

}  // namespace

Result<LocalModel> DownloadRun::ToTheEnd() {
  auto result = StepByStep();
  seams_.scheduler.Leave(control_);
  if (IsForGood(result.status().code())) {
    ForgetPending();
  } else if (!reply_.model_hash.empty()) {
    NotePending();
  }
  if (!result.ok()) Record(EventKind::kFailed, ReasonOf(result.status().code()));
  if (result.ok() || result.status().code() != StatusCode::kNoNetworkConnection) {
    seams_.events.SendSoon();
  }
  return result;
}

void DownloadRun::Record(EventKind kind, EventReason reason) {
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

Result<DownloadState> DownloadRun::Advance(DownloadState state) {
  if (control_.cancelled) return DownloadCancelled();
  const DownloadStep step = NextStep(state, Do(state));
  if (!budgets_.Spend(step.budget) || step.next == DownloadState::kFailed) {
    assert(!error_.ok());
    return error_;
  }
  if (step.budget == DownloadBudget::kRetries) GODWIT_RETURN_IF_ERROR(WaitToRetry());
  return step.next;
}

Result<LocalModel> DownloadRun::StepByStep() {
  DownloadState state = DownloadState::kCheck;
  while (state != DownloadState::kDone) {
    GODWIT_ASSIGN_OR_RETURN(state, Advance(state));
  }
  assert(local_.has_value());
  return *std::move(local_);
}

Result<ModelOffer> DownloadRun::AskOnly() {
  DownloadState state = DownloadState::kCheck;
  while (state == DownloadState::kCheck) {
    GODWIT_ASSIGN_OR_RETURN(state, Advance(state));
  }
  if (state == DownloadState::kDone) {
    return ModelOffer{.hash = local_->hash,
                      .size_bytes = local_->size_bytes,
                      .version = local_->version,
                      .is_local = true};
  }
  GODWIT_ASSIGN_OR_RETURN(const Digest digest, Digest::Parse(reply_.model_hash));
  ModelOffer offer{.hash = reply_.model_hash, .size_bytes = reply_.size_bytes};
  if (reply_.model_version != 0) offer.version = reply_.model_version;
  offer.bytes_needed = seams_.store.MissingBytes(name_, digest, reply_.size_bytes);
  return offer;
}

DownloadEvent DownloadRun::Do(DownloadState state) {
  switch (state) {
    case DownloadState::kCheck:
      return Check();
    case DownloadState::kTransfer:
      return Transfer();
    default:
      return Commit();
  }
}

Status DownloadRun::Sleep(int64_t duration_ms) {
  while (duration_ms > 0 && !control_.cancelled) {
    const int64_t slice_ms = std::min(duration_ms, kSleepSliceMs);
    seams_.clock.SleepMs(slice_ms);
    duration_ms -= slice_ms;
  }
  return control_.cancelled ? DownloadCancelled() : Status::Ok();
}

Status DownloadRun::WaitToRetry() {
  seams_.scheduler.Leave(control_);
  if (retry_after_ms_ > kRetryWaitMaxMs) {
    return Status(error_.code(), error_.message() + "; the server asks to come back in " +
                                     std::to_string(retry_after_ms_ / 1000) + " s");
  }
  const int64_t delay_ms = std::max(RetryDelayMs(budgets_.retries_spent() - 1), retry_after_ms_);
  retry_after_ms_ = 0;
  seams_.logger.Info(
      "the download will be tried again",
      {{"model", name_}, {"delay_ms", std::to_string(delay_ms)}, {"cause", error_.message()}});
  control_.SetStatus(RequestState::kWaiting, "waiting to try again: " + error_.message());
  return Sleep(delay_ms);
}

HttpRequest DownloadRun::CheckRequest(const std::string& token) const {
  HttpRequest request;
  request.url = DownloadPath(options_.project_id, address_);
  request.headers = {{std::string(kApiKeyHeader), options_.api_key},
                     {std::string(kInstallationTokenHeader), token},
                     {std::string(kContextHeader), seams_.context.Header()},
                     {"Accept", "application/json"}};
  if (local_) request.headers.push_back({"If-None-Match", local_->hash});
  request.response_body_max_bytes = kReplyMax;
  return request;
}

DownloadEvent DownloadRun::Check() {
  control_.SetStatus(RequestState::kChecking);
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

  const auto reply = seams_.servers.Send(CheckRequest(*token), &control_.cancelled);
  if (!reply.ok()) {
    return Fail(IsTransient(reply.status().code()) ? Event::kTransient : Event::kFatal,
                reply.status());
  }
  const HttpResponse* const response = &reply->response;
  if (response->status == 200) return ReadReply(*reply);
  if (response->status == 304) {
    if (local_) return Event::kUnchanged;
    return Fail(Event::kMismatch,
                Status(StatusCode::kDataLoss,
                       "the server says 'unchanged' to a device without the model; check what "
                       "lies between this device and the server"));
  }
  error_ = StatusFromErrorBody(response->status, response->body);
  retry_after_ms_ = RetryAfterMs(*response, seams_.clock);
  if (response->status == 401) {
    const Status forgotten = seams_.installation.Forget(*token, &control_.cancelled);
    return forgotten.ok() ? Event::kTokenRefused : Fail(Event::kFatal, forgotten);
  }
  if (const std::string revoked = RevokedHashFromErrorBody(response->body); !revoked.empty()) {
    LeaveRevoked(revoked);
  }
  return IsTransientHttp(response->status) ? Event::kTransient : Event::kFatal;
}

DownloadEvent DownloadRun::ReadReply(const Servers::Reply& answered) {
  const HttpResponse& response = answered.response;
  auto reply = ParseDownloadReply(response.body, FindHeader(response.headers, "ETag").value_or(""));
  if (!reply.ok()) return Fail(Event::kFatal, reply.status());
  Status wrong = CheckDownloadUri(reply->download_uri, answered.server_url);
  if (wrong.ok() && reply->golden)
    wrong = CheckDownloadUri(reply->golden->uri, answered.server_url);
  if (!wrong.ok()) return Fail(Event::kFatal, std::move(wrong));
  reply_ = *std::move(reply);
  if (local_ && local_->hash == reply_.model_hash) return Event::kUnchanged;
  const std::string golden_hash = reply_.golden ? reply_.golden->hash : "";
  if (Status barred = seams_.trials.Check(reply_.model_hash, golden_hash); !barred.ok()) {
    return Fail(Event::kFatal, std::move(barred));
  }
  control_.bytes_total = reply_.size_bytes;
  return Event::kSucceeded;
}

}  // namespace godwit
