// `godwit model revoke|unrevoke`, `godwit test-device`, `godwit explain`.
#include "cli/admin_client.h"
#include "cli/targeting_commands.h"
#include "cli/text_format.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

struct Found {
  AdminClient client;
  Json model;
  ModelAddress address;
  // Of the model's calls.
  std::string path;
};

enum class Wanted { kName, kVersion };

Result<Found> FindModel(Context& context, const std::string& text, Wanted wanted) {
  GODWIT_ASSIGN_OR_RETURN(ModelAddress address, ModelAddress::Parse(text));
  const bool fits = wanted == Wanted::kVersion ? address.version != 0
                                               : address.version == 0 && address.alias.empty();
  if (!fits) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + text + "' is not " +
                      (wanted == Wanted::kVersion ? "one version, so nothing was done; give its "
                                                    "number, as in face@3"
                                                  : "a model, so nothing was done; give its name"));
  }
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(Json model, client.FindModel(address.name));
  std::string path =
      "/v1beta2/projects/" + client.settings().project_id + "/models/" + ModelId(model);
  return Found{std::move(client), std::move(model), std::move(address), std::move(path)};
}

// What devices that ask for the model alone get now.
std::string ServedText(const std::string& name, const Json& model) {
  const int64_t version = model.Has("servedVersion") ? model["servedVersion"].AsInt()
                                                     : model["publishedVersion"].AsInt();
  if (version == 0) return "devices that ask for " + name + " get nothing";
  return "devices that ask for " + name + " get " + name + "@" + std::to_string(version);
}

Status ChangeRevocation(Context& context, const RevokeOptions& options, const std::string& verb,
                        const Json& body) {
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.address, Wanted::kVersion));
  GODWIT_ASSIGN_OR_RETURN(
      const Json model,
      found.client
          .Call("POST",
                found.path + "/versions/" + std::to_string(found.address.version) + ":" + verb,
                body)
          .WithContext(options.address));
  if (context.json) {
    context.console.PrintJson(model);
    return Status::Ok();
  }
  context.console.Note(verb + "d " + options.address + "; at their next check " +
                       ServedText(found.address.name, model));
  return Status::Ok();
}

}  // namespace

Status RunModelRevoke(Context& context, const RevokeOptions& options) {
  return ChangeRevocation(context, options, "revoke",
                          Json::Object({{"reason", Json(options.reason)}}));
}

Status RunModelUnrevoke(Context& context, const RevokeOptions& options) {
  return ChangeRevocation(context, options, "unrevoke", Json::Object());
}

Status RunTestDeviceAdd(Context& context, const TestDeviceOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.address, Wanted::kVersion));
  GODWIT_ASSIGN_OR_RETURN(
      const Json device,
      found.client.Call(
          "PUT", found.path + "/testDevices/" + PercentEncode(options.installation),
          Json::Object({{"version", Json(found.address.version)}, {"note", Json(options.note)}})));
  if (context.json) {
    context.console.PrintJson(device);
  } else {
    context.console.Note(options.installation + " gets " + options.address + " at its next check");
  }
  return Status::Ok();
}

Status RunTestDeviceList(Context& context, const TestDeviceOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.address, Wanted::kName));
  GODWIT_ASSIGN_OR_RETURN(const Json list,
                          found.client.Call("GET", found.path + "/testDevices", Json()));
  if (context.json) {
    context.console.PrintJson(list);
    return Status::Ok();
  }
  if (list["testDevices"].items().empty()) {
    context.console.Note("no test devices yet; to have one: godwit test-device add INSTALLATION " +
                         options.address + "@VERSION");
    return Status::Ok();
  }
  Table table({{"INSTALLATION"}, {"VERSION", Align::kRight}, {"SINCE"}, {"BY"}, {"NOTE"}});
  for (const Json& device : list["testDevices"].items()) {
    table.AddRow({Printable(device["installation"].AsString()),
                  std::to_string(device["version"].AsInt()),
                  FormatTimestamp(device["createTime"].AsString()),
                  Printable(device["by"].AsString()), Printable(device["note"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunTestDeviceRemove(Context& context, const TestDeviceOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.address, Wanted::kName));
  GODWIT_RETURN_IF_ERROR(
      found.client
          .Call("DELETE", found.path + "/testDevices/" + PercentEncode(options.installation),
                Json())
          .status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"removed", Json(options.installation)}}));
  } else {
    context.console.Note(options.installation + " is no test device of " + options.address +
                         " any more");
  }
  return Status::Ok();
}

Status RunExplain(Context& context, const ExplainOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  const std::string query =
      options.installation.empty() ? "" : "?installation=" + PercentEncode(options.installation);
  GODWIT_ASSIGN_OR_RETURN(const Json answer,
                          client.Call("GET",
                                      "/v1beta2/projects/" + client.settings().project_id +
                                          "/models/" + address.ToString() + ":explain" + query,
                                      Json()));
  if (context.json) {
    context.console.PrintJson(answer);
    return Status::Ok();
  }
  Console& console = context.console;
  const int64_t version = answer["version"].AsInt();
  console.Print(console.Styled(Style::kBold, version == 0
                                                 ? "gets nothing"
                                                 : "gets version " + std::to_string(version)) +
                ", by the rule " + Printable(answer["rule"].AsString()) + "\n");
  const Json& held = answer["installation"]["held"];
  if (held.is_object()) {
    const std::string& hash = held["modelHash"].AsString();
    const std::string what = held.Has("version")
                                 ? "version " + std::to_string(held["version"].AsInt())
                             : hash.empty() ? "no file"
                                            : "a file " + Printable(hash).substr(0, 16);
    console.Print("  held " + what + " when it asked at " +
                  FormatTimestamp(held["time"].AsString()) + "\n");
  }
  for (const Json& step : answer["steps"].items()) {
    console.Print("  " + PadRight(Printable(step["rule"].AsString()), 13) +
                  PadRight(Printable(step["verdict"].AsString()), 9) +
                  Printable(step["reason"].AsString()) + "\n");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
