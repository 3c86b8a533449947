#include "server/registry/registry.h"

#include <algorithm>
#include <limits>

#include "server/db/change_log.h"
#include "server/registry/model_rows.h"

namespace godwit::server {
namespace {

std::string KeyOf(int64_t project_number, std::string_view name) {
  return std::to_string(project_number).append("/").append(name);
}

bool NewerFirst(const ModelPointer& a, const ModelPointer& b) {
  if (a->create_time_ms != b->create_time_ms) return a->create_time_ms > b->create_time_ms;
  return a->id < b->id;
}

Status NotFound(int64_t number) {
  return Status(StatusCode::kNotFound, "the model has no version " + std::to_string(number) +
                                           "; list its versions to see which are kept");
}

// Takes a file into the model. Returns the version to insert, if it makes a new one.
std::optional<VersionRecord> TakeFile(const SubmittedFile& file, bool moves_published,
                                      int64_t now_ms, Model* model) {
  model->source_uri = file.source_uri;
  model->validation_error = file.validation_error;
  if (!file.validation_error.empty()) return std::nullopt;  // What was published stays.
  std::optional<VersionRecord> added;
  const Version* latest = model->FindVersion(model->latest);
  if (latest == nullptr || latest->digest != file.digest) {
    added = VersionRecord{
        {model->latest + 1, file.digest, file.size_bytes, now_ms}, file.source_uri, file.structure};
    model->latest = added->version.number;
    model->versions.push_back(added->version);
  }
  if (moves_published && model->published != 0) model->published = model->latest;
  return added;
}

Status ChangePublished(const ModelChange& change, Model* model) {
  if (change.published.has_value()) {
    if (*change.published && (model->latest == 0 || !model->validation_error.empty())) {
      return Status(StatusCode::kFailedPrecondition,
                    "Cannot publish a model that is not verified.");
    }
    model->published = *change.published ? model->latest : 0;
  }
  if (change.published_version.has_value()) {
    if (model->FindVersion(*change.published_version) == nullptr) {
      return NotFound(*change.published_version);
    }
    model->published = *change.published_version;
  }
  return Status::Ok();
}

Status CheckChange(const ModelChange& change) {
  if (change.display_name) {
    GODWIT_RETURN_IF_ERROR(CheckNameOrTag("displayName", *change.display_name));
  }
  if (!change.tags) return Status::Ok();
  if (change.tags->size() > kTagsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "a model may have at most " + std::to_string(kTagsMax) + " tags");
  }
  for (const std::string& tag : *change.tags)
    GODWIT_RETURN_IF_ERROR(CheckNameOrTag("each of tags", tag));
  return Status::Ok();
}

// Applies the change to the model in memory. Returns the version to insert, if any.
Result<std::optional<VersionRecord>> Apply(const ModelChange& change, int64_t now_ms,
                                           Model* model) {
  if (change.display_name) model->display_name = *change.display_name;
  if (change.tags) model->tags = *change.tags;
  std::optional<VersionRecord> added;
  if (change.file) added = TakeFile(*change.file, change.file_moves_published, now_ms, model);
  GODWIT_RETURN_IF_ERROR(ChangePublished(change, model));
  return added;
}

bool SameModel(const Model& a, const Model& b) {
  return a.display_name == b.display_name && a.tags == b.tags && a.source_uri == b.source_uri &&
         a.validation_error == b.validation_error && a.latest == b.latest &&
         a.published == b.published;
}

Status LogChange(SqlConnection& connection, const Model& model, std::string_view action,
                 std::string_view actor, int64_t now_ms) {
  const std::string resource = "models/" + model.id;
  // Names and numbers only, so plain text is JSON already.
  std::string detail = R"({"displayName":")" + model.display_name + R"(","latest":)" +
                       std::to_string(model.latest) + R"(,"published":)" +
                       std::to_string(model.published) + "}";
  return AppendChange(connection,
                      {model.project_number, now_ms, actor, action, resource, std::move(detail)});
}

}  // namespace

RegistrySnapshot::RegistrySnapshot(std::vector<ModelPointer> models) : models_(std::move(models)) {
  std::sort(models_.begin(), models_.end(), NewerFirst);
  by_id_.reserve(models_.size());
  by_name_.reserve(models_.size());
  for (const ModelPointer& model : models_) {
    by_id_.emplace(KeyOf(model->project_number, model->id), model);
    by_name_.emplace(KeyOf(model->project_number, model->display_name), model);
  }
}

ModelPointer RegistrySnapshot::FindById(int64_t project_number, std::string_view id) const {
  const auto found = by_id_.find(KeyOf(project_number, id));
  return found == by_id_.end() ? nullptr : found->second;
}

ModelPointer RegistrySnapshot::FindByName(int64_t project_number,
                                          std::string_view display_name) const {
  const auto found = by_name_.find(KeyOf(project_number, display_name));
  return found == by_name_.end() ? nullptr : found->second;
}

Result<std::unique_ptr<Registry>> Registry::Open(Database& db, const Clock& clock) {
  std::unique_ptr<Registry> registry(new Registry(db, clock));
  std::vector<ModelPointer> models;
  GODWIT_RETURN_IF_ERROR(db.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(models, ReadModels(connection));
    return Status::Ok();
  }));
  registry->Publish(std::move(models));
  return registry;
}

RegistrySnapshotPointer Registry::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void Registry::OnChange(std::function<void()> listener) {
  const std::lock_guard lock(write_mutex_);
  listener_ = std::move(listener);
}

void Registry::Publish(std::vector<ModelPointer> models) {
  auto snapshot = std::make_shared<const RegistrySnapshot>(std::move(models));
  {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_ = snapshot;
  }
  if (listener_) listener_();
}

void Registry::Swap(const ModelPointer& before, ModelPointer after) {
  std::vector<ModelPointer> models = snapshot()->models();
  if (before) std::erase(models, before);
  if (after) models.push_back(std::move(after));
  Publish(std::move(models));
}

Result<ModelPointer> Registry::Create(int64_t project_number, const ModelChange& change,
                                      std::string_view actor) {
  GODWIT_RETURN_IF_ERROR(CheckNameOrTag("displayName", change.display_name.value_or("")));
  GODWIT_RETURN_IF_ERROR(CheckChange(change));
  const std::lock_guard lock(write_mutex_);
  const int64_t now_ms = clock_.NowMs();
  auto model = std::make_shared<Model>();
  model->project_number = project_number;
  model->create_time_ms = now_ms;
  model->update_time_ms = now_ms;
  model->etag = 1;
  if (!change.file) model->validation_error = "No model file has been uploaded.";
  GODWIT_ASSIGN_OR_RETURN(const std::optional<VersionRecord> added,
                          Apply(change, now_ms, model.get()));
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(model->id, ReserveModelId(connection));
    GODWIT_RETURN_IF_ERROR(InsertModel(connection, *model));
    if (added) GODWIT_RETURN_IF_ERROR(InsertVersion(connection, *model, *added));
    return LogChange(connection, *model, "model.create", actor, now_ms);
  }));
  Swap(nullptr, model);
  return ModelPointer(model);
}

Result<ModelPointer> Registry::Update(int64_t project_number, std::string_view id,
                                      const ModelChange& change, std::string_view actor) {
  GODWIT_RETURN_IF_ERROR(CheckChange(change));
  const std::lock_guard lock(write_mutex_);
  const ModelPointer before = snapshot()->FindById(project_number, id);
  if (!before) return Status(StatusCode::kNotFound, "Requested entity was not found.");
  const int64_t now_ms = clock_.NowMs();
  auto model = std::make_shared<Model>(*before);
  GODWIT_ASSIGN_OR_RETURN(const std::optional<VersionRecord> added,
                          Apply(change, now_ms, model.get()));
  if (SameModel(*before, *model)) return before;
  model->update_time_ms = now_ms;
  model->etag += 1;
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(UpdateModel(connection, *model));
    if (added) GODWIT_RETURN_IF_ERROR(InsertVersion(connection, *model, *added));
    return LogChange(connection, *model, "model.update", actor, now_ms);
  }));
  Swap(before, model);
  return ModelPointer(model);
}

Status Registry::Delete(int64_t project_number, std::string_view id, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  const ModelPointer model = snapshot()->FindById(project_number, id);
  if (!model) return Status(StatusCode::kNotFound, "Requested entity was not found.");
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(DeleteModel(connection, *model));
    return LogChange(connection, *model, "model.delete", actor, clock_.NowMs());
  }));
  Swap(model, nullptr);
  return Status::Ok();
}

Result<std::vector<VersionRecord>> Registry::ListVersions(int64_t project_number,
                                                          std::string_view id, int64_t before,
                                                          int limit) const {
  const ModelPointer model = snapshot()->FindById(project_number, id);
  if (!model) return Status(StatusCode::kNotFound, "Requested entity was not found.");
  std::vector<VersionRecord> records;
  const int64_t below = before == 0 ? std::numeric_limits<int64_t>::max() : before;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(records, ReadVersions(connection, *model, below, limit));
    return Status::Ok();
  }));
  return records;
}

Result<int64_t> Registry::PruneVersions(int64_t keep) {
  const std::lock_guard lock(write_mutex_);
  int64_t pruned = 0;
  const RegistrySnapshotPointer all = snapshot();
  for (const ModelPointer& before : all->models()) {
    const int64_t oldest_kept = before->latest - keep + 1;
    auto model = std::make_shared<Model>(*before);
    std::erase_if(model->versions, [&](const Version& version) {
      return version.number < oldest_kept && version.number != before->published;
    });
    if (model->versions.size() == before->versions.size()) continue;
    const int64_t now_ms = clock_.NowMs();
    GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
      for (const Version& version : before->versions) {
        if (model->FindVersion(version.number) != nullptr) continue;
        GODWIT_RETURN_IF_ERROR(DeleteVersion(connection, *before, version.number));
      }
      return LogChange(connection, *model, "model.prune_versions", "godwitd", now_ms);
    }));
    pruned += static_cast<int64_t>(before->versions.size() - model->versions.size());
    Swap(before, model);
  }
  return pruned;
}

}  // namespace godwit::server
