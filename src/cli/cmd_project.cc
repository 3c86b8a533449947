// `godwit project create|list|delete`.
#include "cli/access_commands.h"
#include "cli/confirmation.h"
#include "cli/text_format.h"

namespace godwit::cli {

Status RunProjectCreate(Context& context, const ProjectOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, ""));
  Json body = Json::Object({{"projectId", options.id}});
  if (!options.name.empty()) body.Set("name", options.name);
  GODWIT_ASSIGN_OR_RETURN(const Json operation, client.Call("POST", "/v1/projects", body));
  GODWIT_ASSIGN_OR_RETURN(const Json project, OutcomeOf(operation));
  if (context.json) {
    context.console.PrintJson(project);
  } else {
    const std::string id = Printable(project["projectId"].AsString());
    context.console.Note("created project '" + id + "'; next, an app: godwit app create android " +
                         "PACKAGE --project " + id);
  }
  return Status::Ok();
}

Status RunProjectList(Context& context, const ProjectOptions&) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, ""));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> projects,
                          client.List("/v1/projects", "projects"));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"projects", Json::Array(projects)}}));
    return Status::Ok();
  }
  Table table({{"PROJECT"}, {"NUMBER"}, {"CREATED (UTC)"}, {"NAME"}});
  for (const Json& project : projects) {
    table.AddRow(
        {Printable(project["projectId"].AsString()), Printable(project["projectNumber"].AsString()),
         FormatTimestamp(project["createTime"].AsString()), Printable(project["name"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunProjectDelete(Context& context, const ProjectOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, ""));
  if (!options.yes) {
    GODWIT_RETURN_IF_ERROR(ConfirmDeletion(
        context, options.id, "'" + options.id + "' with its apps, API keys and accounts"));
  }
  GODWIT_RETURN_IF_ERROR(
      client.Call("DELETE", "/v1/projects/" + PercentEncode(options.id), Json()).status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", options.id}}));
  } else {
    context.console.Note("deleted project '" + options.id + "'");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
