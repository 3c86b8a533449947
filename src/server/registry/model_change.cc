#include "server/registry/model_change.h"

namespace godwit::server {

Status NoSuchVersion(int64_t number) {
  return Status(StatusCode::kNotFound, "the model has no version " + std::to_string(number) +
                                           "; list its versions to see which are kept");
}

Status CheckUsable(const Model& model, const Version& version, std::string_view what) {
  const Version* revoked = model.FindRevoked(version.digest);
  if (revoked == nullptr) return Status::Ok();
  const auto at = [&](int64_t number) { return model.display_name + "@" + std::to_string(number); };
  const std::string address = at(revoked->number);
  const std::string copy = revoked->number == version.number
                               ? ""
                               : at(version.number) + " has the bytes of " + address + ", which";
  const std::string& reason = revoked->revocation->reason;
  return Status(StatusCode::kFailedPrecondition,
                (copy.empty() ? address : copy) + " was revoked by " + revoked->revocation->actor +
                    (reason.empty() ? "" : " (" + reason + ")") + ", so it was not " +
                    std::string(what) + "; take another version, or first: godwit model unrevoke " +
                    address);
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
  // The same bytes as a revoked version's do not bring it back.
  const bool usable = model->FindRevoked(file.digest) == nullptr;
  if (moves_published && model->published != 0 && usable) model->published = model->latest;
  return added;
}

// 0: nothing.
Status MovePublished(int64_t number, Model* model) {
  if (number != 0) {
    const Version* version = model->FindVersion(number);
    if (version == nullptr) return NoSuchVersion(number);
    GODWIT_RETURN_IF_ERROR(CheckUsable(*model, *version, "published"));
  }
  model->published = number;
  return Status::Ok();
}

Status ChangePublished(const ModelChange& change, Model* model) {
  if (change.published.has_value()) {
    if (*change.published && (model->latest == 0 || !model->validation_error.empty())) {
      return Status(StatusCode::kFailedPrecondition,
                    "Cannot publish a model that is not verified.");
    }
    GODWIT_RETURN_IF_ERROR(MovePublished(*change.published ? model->latest : 0, model));
  }
  if (change.published_version.has_value()) {
    return MovePublished(*change.published_version, model);
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
