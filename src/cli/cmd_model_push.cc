// `godwit model push`: a file becomes a model's new version.
#include <memory>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/model_push.h"
#include "cli/text_format.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

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

void Report(Context& context, const ModelPush& push, const PushedModel& pushed) {
  Console& console = context.console;
  const int64_t latest = pushed.model["latestVersion"].AsInt();
  const int64_t published = pushed.model["publishedVersion"].AsInt();
  const std::string address = push.name + "@" + std::to_string(latest);
  if (context.json) {
    console.PrintJson(Json::Object({{"address", Json(address)},
                                    {"version", Json(latest)},
                                    {"newVersion", Json(pushed.is_new_version)},
                                    {"published", Json(published == latest)},
                                    {"sha256", Json(push.digest.ToHex())},
                                    {"sizeBytes", Json(uint64_t{push.bytes.size()})},
                                    {"model", pushed.model}}));
    return;
  }
  console.Note(pushed.is_new_version ? "pushed " + address + " (" + FormatBytes(push.bytes.size()) +
                                           ", sha256 " + push.digest.ToHex().substr(0, 12) + "…)"
                                     : "nothing to push: " + address + " holds the same bytes");
  if (published == latest) {
    console.Note("published: devices get " + address);
  } else {
    console.Note((published == 0
                      ? "devices get no version yet"
                      : "devices still get " + push.name + "@" + std::to_string(published)) +
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
  ModelPush push;
  push.name = options.name;
  push.file = options.file;
  push.bytes = opened.file.bytes();
  push.digest = DigestOf(push.bytes);
  push.tags = options.tags;
  GODWIT_ASSIGN_OR_RETURN(PushedModel pushed, PushModel(context, client, push));
  const int64_t latest = pushed.model["latestVersion"].AsInt();
  if (options.publish && pushed.model["publishedVersion"].AsInt() != latest) {
    GODWIT_ASSIGN_OR_RETURN(pushed.model, PublishVersion(client, pushed.model, latest));
  }
  Report(context, push, pushed);
  return Status::Ok();
}

}  // namespace godwit::cli
