// `godwit model push`: a file becomes a model's new version.
#include <memory>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/model_push.h"
#include "cli/text_format.h"
#include "cli/version_structure.h"
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

// What the latest version breaks in apps that were written for the published one. A warning only,
// so what the server does not tell is passed over.
std::vector<std::string> WarnOfBreaks(Context& context, AdminClient& client,
                                      const std::string& name, const Json& model) {
  const int64_t latest = model["latestVersion"].AsInt();
  const int64_t published = model["publishedVersion"].AsInt();
  if (published == 0 || published == latest) return {};
  const auto before = client.GetVersion(ModelId(model), published);
  const auto after = client.GetVersion(ModelId(model), latest);
  if (!before.ok() || !after.ok()) return {};
  std::vector<std::string> changes = BreakingChanges(*before, *after);
  if (!changes.empty() && !context.json) {
    const std::string from = name + "@" + std::to_string(published);
    const std::string to = name + "@" + std::to_string(latest);
    Console& console = context.console;
    console.Note(console.StyledNote(Style::kYellow, "godwit:") + " apps written for " + from +
                 " may break: " + Printable(changes.front()) +
                 (changes.size() > 1 ? " and more" : "") + "; see: godwit model diff " + from +
                 " " + to);
  }
  return changes;
}

void Report(Context& context, const ModelPush& push, const PushedModel& pushed,
            const std::vector<std::string>& breaking) {
  Console& console = context.console;
  const int64_t latest = pushed.model["latestVersion"].AsInt();
  const int64_t published = pushed.model["publishedVersion"].AsInt();
  const std::string address = push.name + "@" + std::to_string(latest);
  if (context.json) {
    Json breaks = Json::Array();
    for (const std::string& change : breaking) breaks.Add(Json(change));
    console.PrintJson(Json::Object({{"address", Json(address)},
                                    {"version", Json(latest)},
                                    {"newVersion", Json(pushed.is_new_version)},
                                    {"published", Json(published == latest)},
                                    {"sha256", Json(push.digest.ToHex())},
                                    {"sizeBytes", Json(uint64_t{push.bytes.size()})},
                                    {"breaks", breaks},
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
  if (!options.golden.empty()) {
    // Before it is published: no device gets the version without its golden file.
    GODWIT_RETURN_IF_ERROR(AttachGolden(context, client, push.name, pushed.model, options.golden));
  }
  std::vector<std::string> breaking;
  if (options.publish && pushed.model["publishedVersion"].AsInt() != latest) {
    breaking = WarnOfBreaks(context, client, push.name, pushed.model);
    GODWIT_ASSIGN_OR_RETURN(pushed.model, PublishVersion(client, pushed.model, latest));
  }
  Report(context, push, pushed, breaking);
  return Status::Ok();
}

}  // namespace godwit::cli
