#include "server/registry/model_change.h"

namespace godwit::server {

Status NoSuchVersion(int64_t number) {
  return Status(StatusCode::kNotFound, "the model has no version " + std::to_string(number) +
                                           "; list its versions to see which are kept");
}

namespace {

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
      return NoSuchVersion(*change.published_version);
    }
    model->published = *change.published_version;
  }
  return Status::Ok();
}

}  // namespace

Status CheckChange(const ModelChange& change) {
  if (change.display_name) {
    GODWIT_RETURN_IF_ERROR(CheckNameOrTag("displayName", *change.display_name));
  }
  if (!change.tags) return Status::Ok();
  if (change.tags->size() > kTagsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "a model may have at most " + std::to_string(kTagsMax) + " tags");
  }
  for (const std::string& tag : *change.tags) {
    GODWIT_RETURN_IF_ERROR(CheckNameOrTag("each of tags", tag));
  }
  return Status::Ok();
}

Result<std::optional<VersionRecord>> ApplyChange(const ModelChange& change, int64_t now_ms,
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
         a.published == b.published && a.aliases == b.aliases &&
         a.active_operation == b.active_operation;
}

}  // namespace godwit::server
