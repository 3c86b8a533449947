#include "server/registry/registry.h"

#include <algorithm>
#include <limits>

#include "crypto/crypto.h"
#include "protocol/model_address.h"
#include "server/db/change_log.h"
#include "server/registry/model_change.h"
#include "server/registry/model_rows.h"

namespace godwit::server {
namespace {

constexpr char kBeingVerified[] = "The model file is being verified.";

Status NotFound() { return Status(StatusCode::kNotFound, "Requested entity was not found."); }

Status LogChange(SqlConnection& connection, const Model& model, std::string_view action,
                 std::string_view actor, int64_t now_ms, const std::string& part = "") {
  const std::string resource = "models/" + model.id + part;
  // Names and numbers only, so plain text is JSON already.
  std::string detail = R"({"displayName":")" + model.display_name + R"(","latest":)" +
                       std::to_string(model.latest) + R"(,"published":)" +
                       std::to_string(model.published) + "}";
  return AppendChange(connection,
                      {model.project_number, now_ms, actor, action, resource, std::move(detail)});
}

std::string NewOperationId(const Model& model) {
  // The model's id leads, so that the name alone finds the model again.
  return model.id + "-" + HexEncode(AsBytes(RandomBytes(8)));
}

// The operation of a change that waits for its file.
Operation NewOperation(const Model& model, const ModelChange& change, std::string_view actor,
                       int64_t now_ms) {
  Operation operation;
  operation.id = model.active_operation;
  operation.project_number = model.project_number;
  operation.model_id = model.id;
  operation.actor = actor;
  operation.change = change;
  operation.create_time_ms = now_ms;
  return operation;
}

Status StillNeeded(const Model& model, int64_t number) {
  if (model.FindVersion(number)->revocation != nullptr) {
    return Status(StatusCode::kFailedPrecondition,
                  "version " + std::to_string(number) +
                      " is revoked, and without it the same bytes could reach devices again, so it "
                      "was not deleted; first: godwit model unrevoke " +
                      model.display_name + "@" + std::to_string(number));
  }
  std::string what;
  if (number == model.published) {
    what = "the published one";
  } else if (number == model.latest) {
    what = "the latest one";
  } else if (number == model.rollback_version) {
    what = "what a rollback would publish";
  } else {
    what = "what devices get in place of a revoked one";
    for (const TestDevice& device : model.test_devices) {
      if (device.version == number) what = "what the test device " + device.fid + " gets";
    }
    for (const Alias& alias : model.aliases) {
      if (alias.version == number) what = "what the alias '" + alias.name + "' points to";
    }
  }
  return Status(StatusCode::kFailedPrecondition,
                "version " + std::to_string(number) + " is " + what +
                    ", so it was not deleted; point that to another version first");
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::Open(Database& db, const Clock& clock) {
  std::unique_ptr<Registry> registry(new Registry(db, clock));
  std::vector<ModelPointer> models;
  GODWIT_RETURN_IF_ERROR(db.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(models, ReadModels(connection));
    return Status::Ok();
  }));
  registry->snapshot_ = std::make_shared<const RegistrySnapshot>(models);
  return registry;
}

RegistrySnapshotPointer Registry::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void Registry::OnChange(Listener listener) {
  const std::lock_guard lock(write_mutex_);
  listener_ = std::move(listener);
}

void Registry::Swap(const ModelPointer& before, const ModelPointer& after) {
  RegistrySnapshotPointer next = snapshot()->With(before, after);
  {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_.swap(next);
  }
  if (listener_) listener_(before, after);
}

Result<ModelPointer> Registry::FindModel(int64_t project_number, std::string_view id) const {
  ModelPointer model = snapshot()->FindById(project_number, id);
  if (!model) return NotFound();
  return model;
}

Result<ModelPointer> Registry::FindUnlocked(int64_t project_number, std::string_view id) const {
  GODWIT_ASSIGN_OR_RETURN(ModelPointer model, FindModel(project_number, id));
  if (model->active_operation.empty()) return model;
  return Status(StatusCode::kFailedPrecondition,
                "Model '" + model->display_name +
                    "' is locked while a file of it is verified, so nothing was changed; wait "
                    "until its operation is done");
}

Status Registry::WriteRows(SqlConnection& connection, const Step& step, int64_t now_ms) const {
  Model& model = *step.after;
  if (!step.before) {
    GODWIT_ASSIGN_OR_RETURN(model.id, ReserveModelId(connection));
  }
  const int64_t published_before = step.before ? step.before->published : 0;
  if (model.published != published_before) {
    const char* action = step.rollback_previous ? "rollback"
                         : model.published != 0 ? "publish"
                                                : "unpublish";
    GODWIT_RETURN_IF_ERROR(AppendPublication(connection, action,
                                             step.rollback_previous.value_or(model.publication),
                                             step.actor, now_ms, &model));
  }
  if (step.marked != nullptr) {
    const Version& version = *step.marked;
    if (version.revocation != step.before->FindVersion(version.number)->revocation) {
      GODWIT_RETURN_IF_ERROR(AppendRevocation(connection,
                                              version.revocation ? "revoke" : "unrevoke", version,
                                              step.actor, now_ms, &model));
    }
    GODWIT_RETURN_IF_ERROR(UpdateVersion(connection, model, version));
  }
  if (step.before) {
    GODWIT_RETURN_IF_ERROR(UpdateModel(connection, model));
  } else {
    GODWIT_RETURN_IF_ERROR(InsertModel(connection, model, step.create_request));
  }
  if (step.added) GODWIT_RETURN_IF_ERROR(InsertVersion(connection, model, *step.added));
  if (step.before && step.before->aliases != model.aliases) {
    GODWIT_RETURN_IF_ERROR(ReplaceAliases(connection, model));
  }
  if (step.more) GODWIT_RETURN_IF_ERROR(step.more(connection));
  return LogChange(connection, model, step.action, step.actor, now_ms, step.part);
}

Result<ModelPointer> Registry::Write(const Step& step) {
  const int64_t now_ms = clock_.NowMs();
  step.after->etag += 1;
  step.after->update_time_ms = now_ms;
  GODWIT_RETURN_IF_ERROR(
      db_.Write([&](SqlConnection& connection) { return WriteRows(connection, step, now_ms); }));
  Swap(step.before, step.after);
  return ModelPointer(step.after);
}

Result<ModelPointer> Registry::Create(int64_t project_number, const ModelChange& change,
                                      std::string_view actor, std::string_view create_request) {
  GODWIT_RETURN_IF_ERROR(CheckNameOrTag("displayName", change.display_name.value_or("")));
  GODWIT_RETURN_IF_ERROR(CheckChange(change));
  const std::lock_guard lock(write_mutex_);
  const int64_t now_ms = clock_.NowMs();
  Step step{nullptr, std::make_shared<Model>(), "model.create", actor, {}, create_request, {}, {}};
  Model& model = *step.after;
  model.project_number = project_number;
  model.create_time_ms = now_ms;
  if (change.pending_file) {
    model.source_uri = change.pending_file->source_uri;
    model.validation_error = kBeingVerified;
    step.more = [&](SqlConnection& connection) {
      model.active_operation = NewOperationId(model);
      ModelChange file_alone;
      file_alone.pending_file = change.pending_file;
      return InsertOperation(connection, NewOperation(model, file_alone, actor, now_ms));
    };
  } else if (!change.file) {
    model.validation_error = "No model file has been uploaded.";
  }
  GODWIT_ASSIGN_OR_RETURN(step.added, ApplyChange(change, now_ms, &model));
  return Write(step);
}

Result<std::optional<ModelPointer>> Registry::FindRepeatedCreate(int64_t project_number,
                                                                 std::string_view display_name,
                                                                 std::string_view create_request,
                                                                 int64_t created_after_ms) const {
  const ModelPointer model = snapshot()->FindByName(project_number, display_name);
  if (!model || model->create_time_ms < created_after_ms) {
    return std::optional<ModelPointer>();
  }
  std::string request;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(request, ReadCreateRequest(connection, *model));
    return Status::Ok();
  }));
  if (request.empty() || request != create_request) return std::optional<ModelPointer>();
  return std::optional<ModelPointer>(model);
}

Result<ModelPointer> Registry::Update(int64_t project_number, std::string_view id,
                                      const ModelChange& change, std::string_view actor) {
  GODWIT_RETURN_IF_ERROR(CheckChange(change));
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  const int64_t now_ms = clock_.NowMs();
  Step step{before, std::make_shared<Model>(*before), "model.update", actor, {}, {}, {}, {}};
  if (change.pending_file) {
    step.after->active_operation = NewOperationId(*before);
    step.action = "model.verify";
    step.more = [&](SqlConnection& connection) {
      return InsertOperation(connection, NewOperation(*step.after, change, actor, now_ms));
    };
    return Write(step);
  }
  GODWIT_ASSIGN_OR_RETURN(step.added, ApplyChange(change, now_ms, step.after.get()));
  if (SameModel(*before, *step.after)) return before;
  return Write(step);
}

Status Registry::Delete(int64_t project_number, std::string_view id, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer model, FindUnlocked(project_number, id));
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(DeleteModel(connection, *model));
    return LogChange(connection, *model, "model.delete", actor, clock_.NowMs());
  }));
  Swap(model, nullptr);
  return Status::Ok();
}

Status Registry::CheckRollbackFrom(SqlConnection& connection, const Model& model,
                                   const RollbackRequest& request, std::string_view actor,
                                   bool* is_done) const {
  *is_done = false;
  if (!request.from_version || *request.from_version == model.published) return Status::Ok();
  // A client that lost the answer sends the same request again.
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Publication> newest, ReadMoves(connection, model, 2));
  *is_done = newest.size() == 2 && newest[0].action == "rollback" && newest[0].actor == actor &&
             newest[1].version == *request.from_version &&
             (request.to_version == 0 || request.to_version == newest[0].version);
  if (*is_done) return Status::Ok();
  const std::string what = *request.from_version == 0
                               ? "a version is published by now"
                               : "version " + std::to_string(*request.from_version) +
                                     " is not the published one (any more)";
  return Status(StatusCode::kFailedPrecondition,
                what + ", so nothing was rolled back; look again which is");
}

Result<ModelPointer> Registry::RollBack(int64_t project_number, std::string_view id,
                                        const RollbackRequest& request, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  bool is_done = false;
  std::optional<Publication> target;
  // Read apart from the write: the lock keeps these rows as they are.
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_RETURN_IF_ERROR(CheckRollbackFrom(connection, *before, request, actor, &is_done));
    GODWIT_ASSIGN_OR_RETURN(
        target, FindRollbackTarget(connection, *before, before->publication, request.to_version));
    return Status::Ok();
  }));
  if (is_done) return before;
  if (!target && request.to_version != 0) {
    return Status(StatusCode::kFailedPrecondition,
                  "version " + std::to_string(request.to_version) +
                      " is not one that was published before, is still kept and is not revoked, so "
                      "nothing was rolled back; publish it instead");
  }
  if (!target) {
    return Status(StatusCode::kFailedPrecondition,
                  "no other version of '" + before->display_name +
                      "' was published before, so there is nothing to roll back to; publish one");
  }
  Step step{before, std::make_shared<Model>(*before), "model.rollback", actor, {}, {}, {}, {}};
  step.after->published = target->version;
  step.rollback_previous = target->previous;
  return Write(step);
}

Result<ModelPointer> Registry::SetAlias(int64_t project_number, std::string_view id,
                                        std::string_view alias, int64_t version,
                                        std::string_view actor) {
  if (!IsAlias(alias)) {
    return Status(StatusCode::kInvalidArgument,
                  "an alias is 1 to 32 of a-z, 0-9, '_' and '-', and begins with a letter");
  }
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  const Version* target = before->FindVersion(version);
  if (target == nullptr) return NoSuchVersion(version);
  GODWIT_RETURN_IF_ERROR(CheckUsable(*before, *target, "given the alias"));
  Step step{before, std::make_shared<Model>(*before), "model.set_alias", actor, {}, {}, {}, {}};
  std::vector<Alias>& aliases = step.after->aliases;
  const auto place =
      std::find_if(aliases.begin(), aliases.end(), [&](const Alias& a) { return a.name >= alias; });
  if (place != aliases.end() && place->name == alias) {
    if (place->version == version) return before;
    place->version = version;
  } else if (aliases.size() == kAliasesMax) {
    return Status(StatusCode::kResourceExhausted,
                  "a model may have at most " + std::to_string(kAliasesMax) +
                      " aliases, so none was added; delete one first");
  } else {
    aliases.insert(place, {std::string(alias), version});
  }
  return Write(step);
}

Result<ModelPointer> Registry::DeleteAlias(int64_t project_number, std::string_view id,
                                           std::string_view alias, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  if (before->FindAlias(alias) == nullptr) return NotFound();
  Step step{before, std::make_shared<Model>(*before), "model.delete_alias", actor, {}, {}, {}, {}};
  std::erase_if(step.after->aliases, [&](const Alias& a) { return a.name == alias; });
  return Write(step);
}

Result<ModelPointer> Registry::DeleteVersion(int64_t project_number, std::string_view id,
                                             int64_t number, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  if (before->FindVersion(number) == nullptr) return NotFound();
  if (before->Needs(number)) return StillNeeded(*before, number);
  Step step{before, std::make_shared<Model>(*before), "model.delete_version", actor, {}, {}, {},
            {}};
  std::erase_if(step.after->versions, [&](const Version& v) { return v.number == number; });
  step.more = [&](SqlConnection& connection) {
    return godwit::server::DeleteVersion(connection, *before, number);
  };
  return Write(step);
}

Result<std::vector<VersionRecord>> Registry::ListVersions(int64_t project_number,
                                                          std::string_view id, int64_t before,
                                                          int limit) const {
  const ModelPointer model = snapshot()->FindById(project_number, id);
  if (!model) return NotFound();
  std::vector<VersionRecord> records;
  const int64_t below = before == 0 ? std::numeric_limits<int64_t>::max() : before;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(records, ReadVersions(connection, *model, below, limit));
    return Status::Ok();
  }));
  return records;
}

Result<std::vector<Publication>> Registry::ListPublications(int64_t project_number,
                                                            std::string_view id, int64_t before,
                                                            int limit) const {
  const ModelPointer model = snapshot()->FindById(project_number, id);
  if (!model) return NotFound();
  std::vector<Publication> publications;
  const int64_t below = before == 0 ? std::numeric_limits<int64_t>::max() : before;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(publications, ReadPublications(connection, *model, below, limit));
    return Status::Ok();
  }));
  return publications;
}

Result<int64_t> Registry::PruneVersions(int64_t keep) {
  int64_t pruned = 0;
  const RegistrySnapshotPointer all = snapshot();
  for (const ModelPointer& model : all->models()) {
    if (static_cast<int64_t>(model->versions.size()) <= keep) continue;
    // One lock for each, so that other writes get between.
    GODWIT_ASSIGN_OR_RETURN(const int64_t of_model,
                            PruneModel(model->project_number, model->id, keep));
    pruned += of_model;
  }
  return pruned;
}

Result<int64_t> Registry::PruneModel(int64_t project_number, std::string_view id, int64_t keep) {
  const std::lock_guard lock(write_mutex_);
  const ModelPointer before = snapshot()->FindById(project_number, id);
  if (!before) return 0;
  const auto count = static_cast<int64_t>(before->versions.size());
  if (count <= keep) return 0;
  const int64_t oldest_kept = before->versions[static_cast<size_t>(count - keep)].number;
  auto model = std::make_shared<Model>(*before);
  const size_t pruned = std::erase_if(model->versions, [&](const Version& version) {
    return version.number < oldest_kept && !before->Needs(version.number);
  });
  if (pruned == 0) return 0;
  const int64_t now_ms = clock_.NowMs();
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    for (const Version& version : before->versions) {
      if (model->FindVersion(version.number) != nullptr) continue;
      GODWIT_RETURN_IF_ERROR(godwit::server::DeleteVersion(connection, *before, version.number));
    }
    return LogChange(connection, *model, "model.prune_versions", "godwitd", now_ms);
  }));
  Swap(before, model);
  return static_cast<int64_t>(pruned);
}

Result<std::optional<Operation>> Registry::FindOperation(int64_t project_number,
                                                         std::string_view id) const {
  std::optional<Operation> operation;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(operation, ReadOperation(connection, project_number, id));
    return Status::Ok();
  }));
  return operation;
}

Result<std::vector<Operation>> Registry::ActiveOperations() const {
  std::vector<Operation> operations;
  GODWIT_RETURN_IF_ERROR(db_.Read([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(operations, ReadActiveOperations(connection));
    return Status::Ok();
  }));
  return operations;
}

Status Registry::FinishOperation(const Operation& operation, const Result<SubmittedFile>& file) {
  const std::lock_guard lock(write_mutex_);
  const ModelPointer before = snapshot()->FindById(operation.project_number, operation.model_id);
  if (!before || before->active_operation != operation.id) return Status::Ok();
  const int64_t now_ms = clock_.NowMs();
  Step step{before, std::make_shared<Model>(*before), "model.update", operation.actor, {}, {}, {},
            {}};
  Status error = file.status();
  const auto fail = [&](const Status& status) {
    error = status;
    *step.after = *before;
    step.added.reset();
    if (before->validation_error == kBeingVerified) step.after->validation_error = error.message();
  };
  if (file.ok()) {
    ModelChange change = operation.change;
    change.file = *file;
    auto added = ApplyChange(change, now_ms, step.after.get());
    if (added.ok()) {
      step.added = *std::move(added);
    } else {
      fail(added.status());
    }
  } else {
    fail(file.status());
  }
  step.after->active_operation.clear();
  step.more = [&](SqlConnection& connection) {
    return server::FinishOperation(connection, operation.id, error, now_ms);
  };
  auto written = Write(step);
  if (written.ok() || written.status().code() != StatusCode::kAlreadyExists) {
    return written.status();
  }
  fail(written.status());  // The new name was taken meanwhile.
  step.after->active_operation.clear();
  return Write(step).status();
}

Result<int64_t> Registry::RemoveOperationsDoneBefore(int64_t time_ms) {
  int64_t removed = 0;
  GODWIT_RETURN_IF_ERROR(db_.Write([&](SqlConnection& connection) -> Status {
    GODWIT_ASSIGN_OR_RETURN(removed, DeleteOperationsDoneBefore(connection, time_ms));
    return Status::Ok();
  }));
  return removed;
}

}  // namespace godwit::server
