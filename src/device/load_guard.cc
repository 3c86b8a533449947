#include "device/load_guard.h"

#include <algorithm>
#include <utility>

namespace godwit {

void LoadGuard::Settle() {
  const auto quarantined = trials_.Quarantined();
  if (!quarantined.ok()) {
    logger_.Warning("crashes of earlier loads were not looked up",
                    {{"cause", quarantined.status().message()}});
    return;
  }
  if (quarantined->empty()) return;
  const auto models = store_.List();
  if (!models.ok()) return;  // Whoever asks for a model is told.
  for (const LocalModel& model : *models) {
    if (std::find(quarantined->begin(), quarantined->end(), model.hash) != quarantined->end()) {
      // Counted for good, as the crash that it was, before the model is led away from it.
      (void)Begin(model.name, model.hash);
    }
  }
}

void LoadGuard::FallBack(const std::string& model, const std::string& hash) {
  const auto digest = Digest::Parse(hash);
  if (!digest.ok()) return;
  const auto fell = store_.FallBack(model, *digest);
  if (!fell.ok()) {
    logger_.Warning("a model that ended the app twice could not be left yet",
                    {{"model", model}, {"hash", hash}, {"cause", fell.status().message()}});
  } else if (*fell) {
    logger_.Warning("a model ended the app twice while it was loaded and is left",
                    {{"model", model}, {"hash", hash}});
  }
}

Status LoadGuard::Begin(const std::string& model, const std::string& hash) {
  bool crashed = false;
  auto loading = trials_.BeginLoad(hash, crashed);
  if (crashed) events_.Record({.kind = EventKind::kCrashed, .model = model, .hash = hash});
  if (!loading.ok()) {
    if (loading.status().code() == StatusCode::kQuarantined) FallBack(model, hash);
    return loading.status().WithContext("load model '" + model + "'");
  }
  const std::lock_guard lock(mutex_);
  loading_.emplace(hash, *std::move(loading));
  return Status::Ok();
}

void LoadGuard::End(const std::string& model, const std::string& hash) {
  std::unique_ptr<FileLock> loading;
  {
    const std::lock_guard lock(mutex_);
    const auto found = loading_.find(hash);
    if (found == loading_.end()) return;
    loading = std::move(found->second);
    loading_.erase(found);
  }
  if (const Status ended = trials_.EndLoad(hash, std::move(loading)); !ended.ok()) {
    logger_.Warning("a load that went well is not noted",
                    {{"model", model}, {"cause", ended.message()}});
  }
  events_.Record({.kind = EventKind::kLoaded, .model = model, .hash = hash});
}

}  // namespace godwit
