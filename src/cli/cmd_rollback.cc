// `godwit rollback` and `godwit model history`: what devices got before, and back to it.
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/text_format.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

Result<std::string> NameOnly(const std::string& text) {
  if (IsModelName(text)) return text;
  return Status(StatusCode::kInvalidArgument,
                "'" + text + "' is no model's name, so nothing was done; give the name alone");
}

std::string VersionOrNothing(const std::string& name, int64_t version) {
  return version == 0 ? "nothing" : name + "@" + std::to_string(version);
}

}  // namespace

Status RunRollback(Context& context, const RollbackOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const std::string name, NameOnly(options.name));
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(const Json before, client.FindModel(name));
  const int64_t from = before["publishedVersion"].AsInt();
  GODWIT_ASSIGN_OR_RETURN(
      const Json model,
      client.RollBack(ModelId(before), from, options.to).WithContext("roll back " + name));
  const int64_t to = model["publishedVersion"].AsInt();
  if (context.json) {
    context.console.PrintJson(
        Json::Object({{"from", Json(from)}, {"to", Json(to)}, {"model", model}}));
    return Status::Ok();
  }
  context.console.Note("rolled back from " + VersionOrNothing(name, from) + " to " +
                       VersionOrNothing(name, to) + ": devices get " + VersionOrNothing(name, to));
  return Status::Ok();
}

Status RunModelHistory(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const std::string name, NameOnly(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(name));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> publications,
                          client.ListPublications(ModelId(model)));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"publications", Json::Array(publications)}}));
    return Status::Ok();
  }
  if (publications.empty()) {
    context.console.Note("never published; to let devices have it: godwit model publish " + name);
    return Status::Ok();
  }
  Table table({{"TIME (UTC)"}, {"ACTION"}, {"VERSION", Align::kRight}, {"BY"}});
  for (const Json& publication : publications) {
    const int64_t version = publication["version"].AsInt();
    table.AddRow({FormatTimestamp(publication["time"].AsString()),
                  Printable(publication["action"].AsString()),
                  version == 0 ? "-" : std::to_string(version),
                  Printable(publication["by"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

}  // namespace godwit::cli
