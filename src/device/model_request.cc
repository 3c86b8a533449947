#include "device/client.h"
#include "device/shared_downloads.h"

namespace godwit {

ModelRequest::ModelRequest(Result<Model> result) : result_(std::move(result)) {}

ModelRequest::ModelRequest(std::string address, std::shared_ptr<SharedDownload> download,
                           uint64_t waiter)
    : address_(std::move(address)), download_(std::move(download)), waiter_(waiter) {}

ModelRequest::~ModelRequest() { Cancel(); }

Result<Model> ModelRequest::Wait(int64_t timeout_ms) {
  if (result_) return *result_;
  const auto result = download_->Wait(timeout_ms, cancelled_);
  if (cancelled_) {
    return Status(StatusCode::kCancelled, "model '" + address_ + "': cancelled by the caller");
  }
  if (!result) {
    const std::string reason = status().reason;
    return Status(StatusCode::kDeadlineExceeded, "model '" + address_ + "' is still " +
                                                     (reason.empty() ? "on its way" : reason) +
                                                     "; wait again");
  }
  if (!result->ok()) return result->status().WithContext("get model '" + address_ + "'");
  return ToModel(result->value());
}

bool ModelRequest::finished() const { return result_ || cancelled_ || download_->finished(); }

void ModelRequest::Cancel() {
  if (finished() || cancelled_.exchange(true)) return;
  download_->Leave(waiter_);
  download_->Wake();
}

void ModelRequest::Pause() {
  if (download_) download_->SetPaused(waiter_, true);
}

void ModelRequest::Resume() {
  if (download_) download_->SetPaused(waiter_, false);
}

void ModelRequest::SetPriority(int priority) {
  if (download_) download_->SetPriority(waiter_, priority);
}

RequestStatus ModelRequest::status() const {
  if (finished()) return {RequestState::kFinished, ""};
  return download_->control().status();
}

Progress ModelRequest::progress() const {
  if (!download_) return {};
  return {download_->control().bytes_done, download_->control().bytes_total};
}

}  // namespace godwit
