#include "device/event_reporter.h"

#include <utility>

#include "protocol/error_body.h"
#include "protocol/installation_messages.h"

namespace godwit {
namespace {

constexpr size_t kReplyMax = 16 << 10;
// In one go, so that a server which answers nonsense is not asked without end.
constexpr int kBatchesMax = 4;

}  // namespace

EventReporter::EventReporter(const EventReporterOptions& options, EventJournal& journal,
                             Installation& installation, Servers& servers, Logger& logger)
    : options_(options),
      journal_(journal),
      installation_(installation),
      servers_(servers),
      logger_(logger),
      consent_(options.consent) {}

EventReporter::~EventReporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status EventReporter::SetConsent(bool consent) {
  consent_ = consent;
  if (consent) return Status::Ok();
  return journal_.Erase().WithContext("erase the recorded events");
}

void EventReporter::Record(const DeviceEvent& event) {
  if (!consent_) return;
  if (const Status added = journal_.Add(event); !added.ok()) {
    logger_.Warning("an event was not recorded", {{"cause", added.message()}});
  }
  // Consent that was taken back meanwhile erased all but this.
  if (!consent_) (void)journal_.Erase();
}

void EventReporter::SendSoon() {
  if (!consent_) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    wanted_ = true;
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }
  changed_.notify_all();
}

void EventReporter::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return (!wanted_ && !sending_) || stopping_; });
}

void EventReporter::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    sending_ = true;
    lock.unlock();
    if (const Status sent = SendAll(); !sent.ok() && !stopping_) {
      logger_.Info("events are kept for the next time", {{"cause", sent.message()}});
    }
    lock.lock();
    sending_ = false;
    changed_.notify_all();
  }
}

Status EventReporter::SendAll() {
  for (int i = 0; i < kBatchesMax && consent_ && !stopping_; ++i) {
    GODWIT_ASSIGN_OR_RETURN(const auto batch, journal_.NextBatch());
    if (!batch) return Status::Ok();
    GODWIT_ASSIGN_OR_RETURN(const bool go_on, SendOne(*batch));
    if (!consent_) return journal_.Erase();
    if (!go_on) return Status::Ok();
  }
  return Status::Ok();
}

Result<bool> EventReporter::SendOne(const EventBatch& batch) {
  GODWIT_ASSIGN_OR_RETURN(const std::string token, installation_.Token(&stopping_));
  GODWIT_ASSIGN_OR_RETURN(const std::string fid, installation_.Id(&stopping_));
  HttpRequest request;
  request.method = "POST";
  request.url = EventBatchPath(options_.project_id, fid);
  request.headers = {{std::string(kApiKeyHeader), options_.api_key},
                     {std::string(kInstallationTokenHeader), token},
                     {"Content-Type", "application/json"},
                     {"Accept", "application/json"}};
  request.body = SerializeEventBatch(batch);
  request.response_body_max_bytes = kReplyMax;
  GODWIT_ASSIGN_OR_RETURN(const Servers::Reply reply,
                          servers_.Send(std::move(request), &stopping_));
  const int status = reply.response.status;
  if (status == 200) {
    GODWIT_ASSIGN_OR_RETURN(const EventReply taken, ParseEventReply(reply.response.body));
    GODWIT_RETURN_IF_ERROR(journal_.Acknowledge(taken.last_sequence));
    return true;
  }
  const Status error = StatusFromErrorBody(status, reply.response.body);
  if (status == 401) GODWIT_RETURN_IF_ERROR(installation_.Forget(token, &stopping_));
  if (status != 400 && status != 404 && status != 413) return error;
  // No later try would fare better: a server without events, or one that takes less.
  logger_.Warning("the server refused events, which are dropped", {{"cause", error.message()}});
  GODWIT_RETURN_IF_ERROR(journal_.Acknowledge(batch.sequence));
  return false;
}

}  // namespace godwit
