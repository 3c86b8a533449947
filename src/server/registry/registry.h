// Registry: models, their versions, and which version is published.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

// All models at one instant. Immutable, so any number of threads may read it.
class RegistrySnapshot {
 public:
  explicit RegistrySnapshot(std::vector<ModelPointer> models);

  // Null when there is none.
  ModelPointer FindById(int64_t project_number, std::string_view id) const;
  ModelPointer FindByName(int64_t project_number, std::string_view display_name) const;

  // Newest first (create time descending, then id ascending).
  const std::vector<ModelPointer>& models() const { return models_; }

 private:
  std::vector<ModelPointer> models_;
  std::unordered_map<std::string, ModelPointer> by_id_;
  std::unordered_map<std::string, ModelPointer> by_name_;
};

using RegistrySnapshotPointer = std::shared_ptr<const RegistrySnapshot>;

// Thread-safe. Writes block on the disk, one at a time; each appends to change_log in its own
// transaction. The snapshot is swapped after the commit and before the write returns.
class Registry {
 public:
  // Reads everything from the database. db and clock must outlive the registry.
  static Result<std::unique_ptr<Registry>> Open(Database& db, const Clock& clock);

  RegistrySnapshotPointer snapshot() const;

  // Called after every new snapshot, under the write lock, before the write returns. Set it
  // before the first write.
  void OnChange(std::function<void()> listener);

  // kAlreadyExists when the display name is taken, kInvalidArgument for a bad name or tag.
  // REQUIRES: change.display_name. `actor` is who did it, for change_log.
  Result<ModelPointer> Create(int64_t project_number, const ModelChange& change,
                              std::string_view actor);

  // Returns the model after the change; a change that changes nothing writes nothing.
  // kNotFound, kAlreadyExists, kInvalidArgument; kFailedPrecondition when a model without a
  // valid file is to be published.
  Result<ModelPointer> Update(int64_t project_number, std::string_view id,
                              const ModelChange& change, std::string_view actor);

  // The model and all its versions. kNotFound.
  Status Delete(int64_t project_number, std::string_view id, std::string_view actor);

  // Newest first, below `before` (0: from the newest), at most `limit`.
  Result<std::vector<VersionRecord>> ListVersions(int64_t project_number, std::string_view id,
                                                  int64_t before, int limit) const;

  // Drops versions that are neither among the `keep` newest of their model nor published.
  // Returns how many went.
  Result<int64_t> PruneVersions(int64_t keep);

 private:
  Registry(Database& db, const Clock& clock) : db_(db), clock_(clock) {}
  void Swap(const ModelPointer& before, ModelPointer after);
  void Publish(std::vector<ModelPointer> models);

  Database& db_;
  const Clock& clock_;
  std::function<void()> listener_;
  std::mutex write_mutex_;  // Held over commit and swap, so that snapshots appear in order.
  mutable std::mutex snapshot_mutex_;
  RegistrySnapshotPointer snapshot_;
};

}  // namespace godwit::server
