#include "cli/model_push.h"

#include <utility>

#include "cli/mapped_file.h"
#include "cli/object_upload.h"
#include "cli/progress.h"

namespace godwit::cli {
namespace {

Json TagsJson(const std::vector<std::string>& tags) {
  Json list = Json::Array();
  for (const std::string& tag : tags) list.Add(Json(tag));
  return list;
}

// The server's model, or null when there is none of that name.
Result<Json> FindOrNull(AdminClient& client, const std::string& name) {
  auto found = client.FindModel(name);
  if (!found.ok() && found.status().code() == StatusCode::kNotFound) return Json();
  return found;
}

// True when the model's latest version holds these very bytes.
Result<bool> IsLatest(AdminClient& client, const ModelPush& push, const Json& model) {
  const int64_t latest = model["latestVersion"].AsInt();
  if (latest == 0) return false;
  GODWIT_ASSIGN_OR_RETURN(const Json version, client.GetVersion(ModelId(model), latest));
  return version["sha256"].AsString() == push.digest.ToHex();
}

// Stores the file; returns its gs:// address. The digest in the object's name keeps two pushes
// of one model from overwriting each other.
Result<std::string> Upload(Context& context, AdminClient& client, const ModelPush& push) {
  ObjectUpload upload;
  upload.bucket = client.settings().project_id + "-models";
  upload.object =
      "Firebase/ML/Models/" + push.name + "-" + push.digest.ToHex().substr(0, 16) + ".tflite";
  upload.bytes = push.bytes;
  ProgressBar bar(context.console, context.clock, "push " + push.name);
  upload.on_progress = [&](uint64_t done_bytes) { bar.Update(done_bytes, push.bytes.size()); };
  GODWIT_RETURN_IF_ERROR(UploadObject(client, context.clock, upload));
  return "gs://" + upload.bucket + "/" + upload.object;
}

// Creates the model or gives it the file; returns it as the server now has it.
Result<Json> Register(AdminClient& client, const ModelPush& push, Json existing,
                      const std::string& gcs_uri) {
  Json body = Json::Object({{"displayName", Json(push.name)},
                            {"tfliteModel", Json::Object({{"gcsTfliteUri", Json(gcs_uri)}})}});
  if (!push.tags.empty()) body.Set("tags", TagsJson(push.tags));
  Json model;
  if (existing.is_null()) {
    auto created = client.CreateModel(body);
    if (!created.ok() && created.status().code() == StatusCode::kAlreadyExists) {
      // Another push was quicker, or the answer to this one was lost; the file may be new to it.
      GODWIT_ASSIGN_OR_RETURN(existing, client.FindModel(push.name));
    } else {
      GODWIT_ASSIGN_OR_RETURN(model, std::move(created));
    }
  }
  if (!existing.is_null()) {
    const std::string mask =
        push.tags.empty() ? "tfliteModel.gcsTfliteUri" : "tfliteModel.gcsTfliteUri,tags";
    GODWIT_ASSIGN_OR_RETURN(model,
                            client.PatchModel(ModelId(existing), mask, body, "publish=false"));
  }
  const std::string& refusal = model["state"]["validationError"]["message"].AsString();
  if (!refusal.empty()) {
    return Status(StatusCode::kDataLoss, "the server does not accept the file as a model (" +
                                             refusal +
                                             "), so no version was made; see what the file holds: "
                                             "godwit inspect " +
                                             push.file);
  }
  return model;
}

}  // namespace

Result<PushedModel> PushModel(Context& context, AdminClient& client, const ModelPush& push) {
  PushedModel pushed;
  GODWIT_ASSIGN_OR_RETURN(pushed.model, FindOrNull(client, push.name));
  GODWIT_ASSIGN_OR_RETURN(const bool same, IsLatest(client, push, pushed.model));
  pushed.is_new_version = !same;
  if (!same) {
    GODWIT_ASSIGN_OR_RETURN(const std::string gcs_uri, Upload(context, client, push));
    GODWIT_ASSIGN_OR_RETURN(pushed.model, Register(client, push, pushed.model, gcs_uri));
  } else if (!push.tags.empty()) {
    GODWIT_ASSIGN_OR_RETURN(pushed.model, SetTags(client, pushed.model, push.tags));
  }
  return pushed;
}

Result<Json> SetTags(AdminClient& client, const Json& model, const std::vector<std::string>& tags) {
  return client.PatchModel(ModelId(model), "tags", Json::Object({{"tags", TagsJson(tags)}}));
}

Status AttachGolden(Context& context, AdminClient& client, const std::string& name,
                    const Json& model, const std::string& file) {
  GODWIT_ASSIGN_OR_RETURN(const MappedFile golden, MappedFile::Open(file));
  ObjectUpload upload;
  upload.bucket = client.settings().project_id + "-models";
  upload.object =
      "Godwit/Golden/" + name + "-" + DigestOf(golden.bytes()).ToHex().substr(0, 16) + ".golden";
  upload.bytes = golden.bytes();
  GODWIT_RETURN_IF_ERROR(UploadObject(client, context.clock, upload));
  const std::string path = "/v1beta2/projects/" + client.settings().project_id + "/models/" +
                           ModelId(model) + "/versions/" +
                           std::to_string(model["latestVersion"].AsInt()) + "/golden";
  const std::string uri = "gs://" + upload.bucket + "/" + upload.object;
  return client.Call("PUT", path, Json::Object({{"gcsGoldenUri", Json(uri)}}))
      .status()
      .WithContext("attach " + file);
}

Result<Json> PublishVersion(AdminClient& client, const Json& model, int64_t version) {
  return client.PatchModel(ModelId(model), "publishedVersion",
                           Json::Object({{"publishedVersion", Json(version)}}));
}

}  // namespace godwit::cli
