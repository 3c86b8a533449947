// LoadGuard: counts the loads of models that ended the app, and leads away from such models.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "device/event_log.h"
#include "device/model_store.h"
#include "device/trials.h"

namespace godwit {

// Thread-safe. All borrowed.
class LoadGuard {
 public:
  LoadGuard(ModelStore& store, Trials& trials, EventSink& events, Logger& logger)
      : store_(store), trials_(trials), events_(events), logger_(logger) {}

  // Leads every model away from files that must not be loaded: to its previous version or to
  // none. What fails is logged; Begin still says no.
  void Settle();

  // Notes, durably, that the app is about to load the model's file. kQuarantined when it must not;
  // the model has then fallen back. After any other error the load is not counted.
  Status Begin(const std::string& model, const std::string& hash);

  // The load is over, and the app still lives. Does nothing without a Begin.
  void End(const std::string& model, const std::string& hash);

 private:
  void FallBack(const std::string& model, const std::string& hash);

  ModelStore& store_;
  Trials& trials_;
  EventSink& events_;
  Logger& logger_;
  std::mutex mutex_;
  std::multimap<std::string, std::unique_ptr<FileLock>> loading_;  // Guarded by mutex_; by hash.
};

}  // namespace godwit
