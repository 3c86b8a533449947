// DownloadRun: one download from its first question to its last sync. Behind downloader.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "device/download.h"
#include "device/downloader.h"
#include "protocol/model_messages.h"

namespace godwit {

// The states' work; download.cc says what follows what. Not thread-safe.
class DownloadRun {
 public:
  // All borrowed.
  DownloadRun(Downloader& downloader, const ModelAddress& address,
              const DownloadConditions& conditions, DownloadControl& control)
      : downloader_(downloader),
        options_(downloader.options_),
        seams_(downloader.seams_),
        address_(address),
        name_(address.ToString()),
        conditions_(conditions),
        control_(control),
        started_ms_(downloader.seams_.clock.MonotonicMs()) {}

  // Both block.
  Result<LocalModel> ToTheEnd();
  Result<ModelOffer> AskOnly();

 private:
  using Event = DownloadEvent;

  Result<LocalModel> StepByStep();
  // What follows the state; the error of a download that has failed.
  Result<DownloadState> Advance(DownloadState state);
  void Record(EventKind kind, EventReason reason = EventReason::kNone);

  Event Do(DownloadState state);
  Event Check();
  Event ReadReply(const Servers::Reply& answered);
  Event Transfer();
  Event Enter();
  Event TransferInSlot();
  Event OpenPartial();
  Event FollowAnother(const Digest& digest);
  void NotePending();
  void ForgetPending();
  Event CheckSpace();
  Event JudgeFile(const HttpResponse& response, const std::string& error_body);
  Event Commit();
  Status AskGate(const std::string& path, const std::string& golden_path);
  Event FetchGolden(std::string& path);
  void LeaveRevoked(const std::string& hash);

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

  bool pending_noted_ = false;

  // For the events.
  const int64_t started_ms_;
  bool transfer_recorded_ = false;
  uint64_t bytes_received_ = 0;
};

}  // namespace godwit
