#include "cli/access_commands.h"

#include <utility>

namespace godwit::cli {

Result<AdminClient> ConnectTo(Context& context, const std::string& project) {
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  if (!project.empty()) settings.project_id = project;
  return AdminClient(context.http, context.clock, std::move(settings));
}

Result<Json> OutcomeOf(const Json& operation) {
  if (operation["done"].AsBool() && operation["response"].is_object()) return operation["response"];
  return Status(StatusCode::kUnknown,
                "the server's answer is no done operation, so it is no godwit server; check the "
                "address");
}

Status CheckNewFile(Context& context, const std::string& path) {
  if (!context.fs.Stat(path).ok()) return Status::Ok();
  return Status(StatusCode::kAlreadyExists,
                "'" + path + "' exists already, so nothing was done; name a new file");
}

}  // namespace godwit::cli
