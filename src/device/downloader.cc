#include "device/downloader.h"

#include "device/download_run.h"

namespace godwit {

Result<LocalModel> Downloader::Fetch(const ModelAddress& address,
                                     const DownloadConditions& conditions,
                                     DownloadControl& control) {
  return DownloadRun(*this, address, conditions, control).ToTheEnd();
}

Result<ModelOffer> Downloader::Ask(const ModelAddress& address) {
  DownloadControl control;
  return DownloadRun(*this, address, {}, control).AskOnly();
}

Status Downloader::Scrub(const std::atomic<bool>* cancelled) {
  return seams_.store.ScrubDaily(cancelled);
}

}  // namespace godwit
