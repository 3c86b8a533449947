// `godwit model push`: a file becomes a model's new version.
#include <memory>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/object_upload.h"
#include "cli/progress.h"
#include "cli/text_format.h"
#include "digest/digest.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

Json TagsJson(const std::vector<std::string>& tags) {
  Json list = Json::Array();
  for (const std::string& tag : tags) list.Add(Json(tag));
  return list;
}

Status CheckNames(const ModelPushOptions& options) {
  if (!IsModelName(options.name)) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + options.name +
                      "' cannot be a model's name, so nothing was sent; use 1 to 32 letters, "
                      "digits, '_' or '-'");
  }
  for (const std::string& tag : options.tags) {
    if (IsModelName(tag)) continue;  // Tags have the same form.
    return Status(StatusCode::kInvalidArgument,
                  "'" + tag +
                      "' cannot be a tag, so nothing was sent; use 1 to 32 letters, digits, '_' or "
                      "'-'");
  }
  return Status::Ok();
}

// The server's model, or null when there is none of that name.
Result<Json> FindOrNull(AdminClient& client, const std::string& name) {
  auto found = client.FindModel(name);
  if (!found.ok() && found.status().code() == StatusCode::kNotFound) return Json();
  return found;
}

struct Push {
  Context& context;
  AdminClient& client;
  const ModelPushOptions& options;
  std::span<const std::byte> bytes;
  std::string sha256;
};

// True when the model's latest version holds these very bytes.
Result<bool> IsLatest(const Push& push, const Json& model) {
  const int64_t latest = model["latestVersion"].AsInt();
  if (latest == 0) return false;
  GODWIT_ASSIGN_OR_RETURN(const Json version, push.client.GetVersion(ModelId(model), latest));
  return version["sha256"].AsString() == push.sha256;
}

// Stores the file; returns its gs:// address. The digest in the object's name keeps two pushes
// of one model from overwriting each other.
Result<std::string> Upload(const Push& push) {
  ObjectUpload upload;
  upload.bucket = push.client.settings().project_id + "-models";
  upload.object =
      "Firebase/ML/Models/" + push.options.name + "-" + push.sha256.substr(0, 16) + ".tflite";
  upload.bytes = push.bytes;
  ProgressBar bar(push.context.console, push.context.clock, "push " + push.options.name);
  upload.on_progress = [&](uint64_t done_bytes) { bar.Update(done_bytes, push.bytes.size()); };
  GODWIT_RETURN_IF_ERROR(UploadObject(push.client, push.context.clock, upload));
  return "gs://" + upload.bucket + "/" + upload.object;
}

// Creates the model or gives it the file; returns it as the server now has it.
Result<Json> Register(const Push& push, Json existing, const std::string& gcs_uri) {
  Json body = Json::Object({{"displayName", Json(push.options.name)},
                            {"tfliteModel", Json::Object({{"gcsTfliteUri", Json(gcs_uri)}})}});
  if (!push.options.tags.empty()) body.Set("tags", TagsJson(push.options.tags));
  Json model;
  if (existing.is_null()) {
    auto created = push.client.CreateModel(body);
    if (!created.ok() && created.status().code() == StatusCode::kAlreadyExists) {
      // Another push was quicker, or the answer to this one was lost; the file may be new to it.
      GODWIT_ASSIGN_OR_RETURN(existing, push.client.FindModel(push.options.name));
    } else {
      GODWIT_ASSIGN_OR_RETURN(model, std::move(created));
    }
  }
  if (!existing.is_null()) {
    const std::string mask =
        push.options.tags.empty() ? "tfliteModel.gcsTfliteUri" : "tfliteModel.gcsTfliteUri,tags";
    GODWIT_ASSIGN_OR_RETURN(model,
                            push.client.PatchModel(ModelId(existing), mask, body, "publish=false"));
  }
  const std::string& refusal = model["state"]["validationError"]["message"].AsString();
  if (!refusal.empty()) {
    return Status(StatusCode::kDataLoss, "the server does not accept the file as a model (" +
                                             refusal +
                                             "), so no version was made; see what the file holds: "
                                             "godwit inspect " +
                                             push.options.file);
  }
  return model;
}

void Report(const Push& push, const Json& model, bool is_new_version) {
  Console& console = push.context.console;
  const int64_t latest = model["latestVersion"].AsInt();
  const int64_t published = model["publishedVersion"].AsInt();
  const std::string address = push.options.name + "@" + std::to_string(latest);
  if (push.context.json) {
    console.PrintJson(Json::Object({{"address", Json(address)},
                                    {"version", Json(latest)},
                                    {"newVersion", Json(is_new_version)},
                                    {"published", Json(published == latest)},
                                    {"sha256", Json(push.sha256)},
                                    {"sizeBytes", Json(uint64_t{push.bytes.size()})},
                                    {"model", model}}));
    return;
  }
  console.Note(is_new_version ? "pushed " + address + " (" + FormatBytes(push.bytes.size()) +
                                    ", sha256 " + push.sha256.substr(0, 12) + "…)"
                              : "nothing to push: " + address + " holds the same bytes");
  if (published == latest) {
    console.Note("published: devices get " + address);
  } else {
    console.Note((published == 0 ? "devices get no version yet"
                                 : "devices still get " + push.options.name + "@" +
                                       std::to_string(published)) +
                 "; to change that: godwit model publish " + address);
  }
  console.Print(address + "\n");
}

}  // namespace

Status RunModelPush(Context& context, const ModelPushOptions& options) {
  GODWIT_RETURN_IF_ERROR(CheckNames(options));
  GODWIT_ASSIGN_OR_RETURN(const ModelFile opened, OpenModelFile(options.file));
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  const Push push{context, client, options, opened.file.bytes(),
                  DigestOf(opened.file.bytes()).ToHex()};
  GODWIT_ASSIGN_OR_RETURN(Json model, FindOrNull(client, options.name));
  GODWIT_ASSIGN_OR_RETURN(const bool same, IsLatest(push, model));
  if (!same) {
    GODWIT_ASSIGN_OR_RETURN(const std::string gcs_uri, Upload(push));
    GODWIT_ASSIGN_OR_RETURN(model, Register(push, model, gcs_uri));
  } else if (!options.tags.empty()) {
    GODWIT_ASSIGN_OR_RETURN(model,
                            client.PatchModel(ModelId(model), "tags",
                                              Json::Object({{"tags", TagsJson(options.tags)}})));
  }
  const int64_t latest = model["latestVersion"].AsInt();
  if (options.publish && model["publishedVersion"].AsInt() != latest) {
    GODWIT_ASSIGN_OR_RETURN(model,
                            client.PatchModel(ModelId(model), "publishedVersion",
                                              Json::Object({{"publishedVersion", Json(latest)}})));
  }
  Report(push, model, !same);
  return Status::Ok();
}

}  // namespace godwit::cli
