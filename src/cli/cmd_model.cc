// `godwit model list|show|versions|publish|unpublish|update|delete`.
#include <algorithm>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/confirmation.h"
#include "cli/text_format.h"
#include "cli/version_file.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

Result<AdminClient> Connect(Context& context) {
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  return AdminClient(context.http, context.clock, std::move(settings));
}

// The name, for commands that act on a whole model.
Result<std::string> NameOnly(const std::string& text) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(text));
  if (address.version > 0 || !address.alias.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "this command acts on the whole model, so '" + text +
                      "' is too exact; give the name alone: " + address.name);
  }
  return address.name;
}

std::string TagsText(const Json& model) {
  std::string text;
  for (const Json& tag : model["tags"].items()) {
    text += (text.empty() ? "" : " ") + Printable(tag.AsString());
  }
  return text;
}

// "beta@2 stable@1", or only the names of those that point to the version.
std::string AliasesText(const Json& model, int64_t version) {
  std::string text;
  for (const auto& [name, target] : model["aliases"].members()) {
    if (version != 0 && target.AsInt() != version) continue;
    text += (text.empty() ? "" : " ") + Printable(name);
    if (version == 0) text += "@" + std::to_string(target.AsInt());
  }
  return text;
}

std::string VersionText(const Json& number) {
  return number.AsInt() > 0 ? std::to_string(number.AsInt()) : "-";
}

std::string SizeText(const Json& size) {
  const int64_t bytes = size.AsInt(-1);
  return bytes < 0 ? "-" : FormatBytes(static_cast<uint64_t>(bytes));
}

Json ListJson(const char* name, const std::vector<Json>& items) {
  return Json::Object({{name, Json::Array(items)}});
}

void PrintRow(Console& console, const char* name, const std::string& value) {
  if (!value.empty()) console.Print("  " + PadRight(name, 12) + value + "\n");
}

void PrintModel(Console& console, const Json& model) {
  console.Print(console.Styled(Style::kBold, Printable(model["displayName"].AsString())) + "\n");
  PrintRow(console, "id", Printable(ModelId(model)));
  PrintRow(console, "published", VersionText(model["publishedVersion"]));
  if (model.Has("servedVersion")) {  // Not the published one, for that was revoked.
    const int64_t served = model["servedVersion"].AsInt();
    PrintRow(console, "devices get", served == 0 ? "nothing" : std::to_string(served));
  }
  PrintRow(console, "latest", VersionText(model["latestVersion"]));
  PrintRow(console, "aliases", AliasesText(model, 0));
  PrintRow(console, "size", SizeText(model["tfliteModel"]["sizeBytes"]));
  PrintRow(console, "sha256", Printable(model["modelHash"].AsString()));
  PrintRow(console, "tags", TagsText(model));
  PrintRow(console, "created", FormatTimestamp(model["createTime"].AsString()));
  PrintRow(console, "changed", FormatTimestamp(model["updateTime"].AsString()));
  PrintRow(console, "not valid",
           Printable(model["state"]["validationError"]["message"].AsString()));
}

std::string TensorText(const Json& tensor) {
  std::string shape;
  for (const Json& size : tensor["shape"].items()) {
    shape += (shape.empty() ? "" : ", ") + (size.AsInt() < 0 ? "?" : std::to_string(size.AsInt()));
  }
  return Printable(tensor["name"].AsString()) + "  " + Printable(tensor["type"].AsString()) + " [" +
         shape + "]";
}

void PrintVersion(Console& console, const std::string& address, const Json& version) {
  console.Print(console.Styled(Style::kBold, address) + "\n");
  PrintRow(console, "published", version["published"].AsBool() ? "yes" : "no");
  PrintRow(console, "size", SizeText(version["sizeBytes"]));
  PrintRow(console, "sha256", Printable(version["sha256"].AsString()));
  PrintRow(console, "created", FormatTimestamp(version["createTime"].AsString()));
  if (const Json& revoked = version["revoked"]; !revoked.is_null()) {
    PrintRow(console, "revoked",
             FormatTimestamp(revoked["time"].AsString()) + " by " +
                 Printable(revoked["by"].AsString()) + "  " +
                 Printable(revoked["reason"].AsString()));
  }
  PrintRow(console, "golden", Printable(version["golden"]["sha256"].AsString()));
  for (const Json& tensor : version["inputs"].items())
    PrintRow(console, "input", TensorText(tensor));
  for (const Json& tensor : version["outputs"].items()) {
    PrintRow(console, "output", TensorText(tensor));
  }
  for (const Json& use : version["operators"].items()) {
    PrintRow(console, "operator",
             Printable(use["name"].AsString()) + " x" + std::to_string(use["count"].AsInt()) +
                 (use["custom"].AsBool() ? " (custom)" : ""));
  }
}

Status ShowVersion(Context& context, AdminClient& client, const ModelAddress& address,
                   const Json& model) {
  GODWIT_ASSIGN_OR_RETURN(const int64_t number, VersionOf(address, model));
  GODWIT_ASSIGN_OR_RETURN(
      const Json version,
      client.GetVersion(ModelId(model), number).WithContext(address.ToString()));
  if (context.json) {
    context.console.PrintJson(version);
  } else {
    PrintVersion(context.console, address.ToString(), version);
  }
  return Status::Ok();
}

// What publish and unpublish say in the end.
void ReportPublished(Context& context, const Json& model) {
  if (context.json) return context.console.PrintJson(model);
  const std::string name = Printable(model["displayName"].AsString());
  const int64_t published = model["publishedVersion"].AsInt();
  context.console.Note(published > 0
                           ? "published: devices get " + name + "@" + std::to_string(published)
                           : "unpublished: devices get no version of " + name +
                                 " from now on; those that have one keep it");
}

}  // namespace

Status RunModelList(Context& context, const ModelListOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(std::vector<Json> models, client.ListModels(options.filter));
  std::stable_sort(models.begin(), models.end(), [](const Json& a, const Json& b) {
    return a["displayName"].AsString() < b["displayName"].AsString();
  });
  if (context.json) {
    context.console.PrintJson(ListJson("models", models));
    return Status::Ok();
  }
  if (models.empty()) {
    context.console.Note(options.filter.empty()
                             ? "no models yet; to add one: godwit model push FILE --name NAME"
                             : "no model passes the filter");
    return Status::Ok();
  }
  Table table({{"NAME"},
               {"PUBLISHED", Align::kRight},
               {"LATEST", Align::kRight},
               {"SIZE", Align::kRight},
               {"CHANGED (UTC)"},
               {"TAGS"}});
  for (const Json& model : models) {
    table.AddRow({Printable(model["displayName"].AsString()),
                  VersionText(model["publishedVersion"]), VersionText(model["latestVersion"]),
                  SizeText(model["tfliteModel"]["sizeBytes"]),
                  FormatTimestamp(model["updateTime"].AsString()), TagsText(model)});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunModelShow(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(address.name));
  if (address.version > 0 || !address.alias.empty()) {
    return ShowVersion(context, client, address, model);
  }
  if (context.json) {
    context.console.PrintJson(model);
  } else {
    PrintModel(context.console, model);
  }
  return Status::Ok();
}

Status RunModelVersions(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const std::string name, NameOnly(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(name));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> versions, client.ListVersions(ModelId(model)));
  if (context.json) {
    context.console.PrintJson(ListJson("versions", versions));
    return Status::Ok();
  }
  if (versions.empty()) {
    context.console.Note("no valid file yet; to add one: godwit model push FILE --name " + name);
    return Status::Ok();
  }
  Table table({{"VERSION", Align::kRight},
               {"PUBLISHED"},
               {"LATEST"},
               {"ALIASES"},
               {"SIZE", Align::kRight},
               {"CREATED (UTC)"},
               {"SHA256"}});
  for (const Json& version : versions) {
    const char* const published = version["revoked"].is_object()  ? "revoked"
                                  : version["published"].AsBool() ? "yes"
                                                                  : "";
    table.AddRow({VersionText(version["version"]), published,
                  version["version"].AsInt() == model["latestVersion"].AsInt() ? "yes" : "",
                  AliasesText(model, version["version"].AsInt()), SizeText(version["sizeBytes"]),
                  FormatTimestamp(version["createTime"].AsString()),
                  Printable(version["sha256"].AsString()).substr(0, 16)});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunModelPublish(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json found, client.FindModel(address.name));
  const bool exact = address.version > 0 || !address.alias.empty();
  std::string mask = "state.published";
  Json body = Json::Object({{"state", Json::Object({{"published", Json(true)}})}});
  if (exact) {
    GODWIT_ASSIGN_OR_RETURN(const int64_t number, VersionOf(address, found));
    mask = "publishedVersion";
    body = Json::Object({{"publishedVersion", Json(number)}});
  }
  GODWIT_ASSIGN_OR_RETURN(
      const Json model,
      client.PatchModel(ModelId(found), mask, body).WithContext("publish " + address.ToString()));
  ReportPublished(context, model);
  return Status::Ok();
}

Status RunModelUnpublish(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const std::string name, NameOnly(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json found, client.FindModel(name));
  const Json body = Json::Object({{"state", Json::Object({{"published", Json(false)}})}});
  GODWIT_ASSIGN_OR_RETURN(const Json model,
                          client.PatchModel(ModelId(found), "state.published", body));
  ReportPublished(context, model);
  return Status::Ok();
}

Status RunModelUpdate(Context& context, const ModelUpdateOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const std::string name, NameOnly(options.address));
  Json body = Json::Object();
  std::string mask;
  if (!options.new_name.empty()) {
    body.Set("displayName", Json(options.new_name));
    mask = "displayName";
  }
  if (!options.tags.empty() || options.clear_tags) {
    Json tags = Json::Array();
    for (const std::string& tag : options.tags) tags.Add(Json(tag));
    body.Set("tags", tags);
    mask += mask.empty() ? "tags" : ",tags";
  }
  if (mask.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "nothing to change was given; add --name, --tag or --clear-tags");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json found, client.FindModel(name));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.PatchModel(ModelId(found), mask, body));
  if (context.json) {
    context.console.PrintJson(model);
  } else {
    PrintModel(context.console, model);
  }
  return Status::Ok();
}

Status RunModelDelete(Context& context, const ModelDeleteOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  if (!address.alias.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + options.address +
                      "' names an alias, so nothing was deleted; give NAME or NAME@VERSION, or "
                      "see: godwit model alias delete --help");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, Connect(context));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(address.name));
  if (!options.yes) {
    const std::string name = address.ToString();
    GODWIT_RETURN_IF_ERROR(ConfirmDeletion(
        context, name, "'" + name + "'" + (address.version > 0 ? "" : " and all its versions")));
  }
  Json report = Json::Object({{"deleted", Json(address.ToString())}, {"id", Json(ModelId(model))}});
  if (address.version > 0) {
    GODWIT_RETURN_IF_ERROR(client.DeleteVersion(ModelId(model), address.version)
                               .WithContext("delete " + address.ToString()));
  } else {
    GODWIT_RETURN_IF_ERROR(client.DeleteModel(ModelId(model)));
  }
  if (context.json) {
    context.console.PrintJson(report);
  } else {
    context.console.Note("deleted '" + address.ToString() +
                         "'; devices that have it keep it until they delete it");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
