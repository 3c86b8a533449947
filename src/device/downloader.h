// Downloader: brings one model from the server into the store, through every kind of weather.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/activation_gate.h"
#include "device/conditions.h"
#include "device/context.h"
#include "device/data_budget.h"
#include "device/download_control.h"
#include "device/event_log.h"
#include "device/installation.h"
#include "device/model_store.h"
#include "device/pending_updates.h"
#include "device/servers.h"
#include "device/transfer_scheduler.h"
#include "device/trials.h"
#include "fs/file_system.h"
#include "protocol/model_address.h"

namespace godwit {

struct DownloaderOptions {
  std::string project_id;
  std::string api_key;
  uint64_t receive_limit_bytes_per_s = 0;
  uint64_t free_disk_reserve_bytes = 0;
};

// Borrowed.
struct DownloaderSeams {
  ModelStore& store;
  Installation& installation;
  ContextSource& context;
  FileSystem& file_system;
  Servers& servers;
  Clock& clock;
  Logger& logger;
  EventSink& events;
  Trials& trials;
  TransferScheduler& scheduler;
  DataBudget& budget;
  PendingUpdates& pending;
  ActivationGate* gate = nullptr;  // None: every version whose bytes are right is switched to.
};

// What the server offers, and how much of it this device lacks. A value type.
struct ModelOffer {
  std::string hash;  // Lower-case hex SHA-256 of the file.
  uint64_t size_bytes = 0;
  std::optional<uint64_t> version =
      std::nullopt;           // Counts from 1; absent when the server did not say.
  bool is_local = false;      // It is this device's model of that name already.
  uint64_t bytes_needed = 0;  // To be downloaded; what an earlier call left is not.
};

// Thread-safe.
class Downloader {
 public:
  Downloader(const DownloaderOptions& options, const DownloaderSeams& seams)
      : options_(options), seams_(seams) {}

  // Asks the server for the address's current model and returns it, downloaded unless it is
  // the local one. Blocks; when another thread or process downloads this model, until that is
  // over. Resumes what an earlier call left. After a failure the old model stands.
  Result<LocalModel> Fetch(const ModelAddress& address, const DownloadConditions& conditions,
                           DownloadControl& control);

  // Asks the server as Fetch does, and downloads nothing. Blocks.
  Result<ModelOffer> Ask(const ModelAddress& address);

  // The store's daily look for damaged files: ModelStore::ScrubDaily.
  Status Scrub(const std::atomic<bool>* cancelled);

 private:
  friend class DownloadRun;

  const DownloaderOptions options_;
  const DownloaderSeams seams_;
};

}  // namespace godwit
