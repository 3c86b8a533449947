// RegistrySnapshot: all models at one instant.
#pragma once

#include <memory>
#include <string_view>
#include <tuple>
#include <vector>

#include "server/registry/model.h"
#include "server/registry/model_index.h"

namespace godwit::server {

// Immutable, so any number of threads may read it. A snapshot shares nearly everything with the
// one before it.
class RegistrySnapshot {
 public:
  struct ById {
    static std::tuple<int64_t, std::string_view> KeyOf(const Model& model) {
      return {model.project_number, model.id};
    }
  };
  struct ByName {
    static std::tuple<int64_t, std::string_view> KeyOf(const Model& model) {
      return {model.project_number, model.display_name};
    }
  };
  // Project by project, the newest first (create time descending, then id ascending).
  struct ByAge {
    static std::tuple<int64_t, int64_t, std::string_view> KeyOf(const Model& model) {
      return {model.project_number, -model.create_time_ms, model.id};
    }
  };

  explicit RegistrySnapshot(const std::vector<ModelPointer>& models)
      : by_id_(models), by_name_(models), by_age_(models) {}

  // The snapshot with `after` in place of `before`; either may be null.
  std::shared_ptr<const RegistrySnapshot> With(const ModelPointer& before,
                                               const ModelPointer& after) const;

  // Null when there is none.
  ModelPointer FindById(int64_t project_number, std::string_view id) const {
    return by_id_.Find({project_number, id});
  }
  ModelPointer FindByName(int64_t project_number, std::string_view display_name) const {
    return by_name_.Find({project_number, display_name});
  }
  // A device may ask for either; a name goes before another model's id.
  ModelPointer FindByNameOrId(int64_t project_number, std::string_view name_or_id) const {
    ModelPointer model = FindByName(project_number, name_or_id);
    return model ? model : FindById(project_number, name_or_id);
  }

  const ModelIndex<ByAge>& models() const { return by_age_; }

 private:
  ModelIndex<ById> by_id_;
  ModelIndex<ByName> by_name_;
  ModelIndex<ByAge> by_age_;
};

using RegistrySnapshotPointer = std::shared_ptr<const RegistrySnapshot>;

}  // namespace godwit::server
