// `godwit model alias set|delete|list`.
#include <charconv>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/text_format.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

struct Found {
  AdminClient client;
  Json model;
};

Result<Found> FindModel(Context& context, const std::string& name) {
  if (!IsModelName(name)) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + name + "' is no model's name, so nothing was done; give the name alone");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(Json model, client.FindModel(name));
  return Found{std::move(client), std::move(model)};
}

Status CheckAlias(const std::string& alias) {
  if (IsAlias(alias)) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "'" + alias +
                    "' cannot be an alias, so nothing was done; use 1 to 32 of a-z, 0-9, '_' and "
                    "'-', a letter first");
}

// "7" or "@7".
Result<int64_t> ParseVersion(std::string_view text) {
  if (text.starts_with('@')) text.remove_prefix(1);
  int64_t version = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, version);
  if (error == std::errc() && rest == end && version >= 1) return version;
  return Status(StatusCode::kInvalidArgument,
                "'" + std::string(text) +
                    "' is no version, so nothing was done; give its number, as in 3 or @3");
}

}  // namespace

Status RunModelAliasSet(Context& context, const ModelAliasOptions& options) {
  GODWIT_RETURN_IF_ERROR(CheckAlias(options.alias));
  GODWIT_ASSIGN_OR_RETURN(const int64_t version, ParseVersion(options.version));
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.name));
  const std::string address = options.name + "@" + options.alias;
  GODWIT_ASSIGN_OR_RETURN(
      const Json model,
      found.client.SetAlias(ModelId(found.model), options.alias, version).WithContext(address));
  if (context.json) {
    context.console.PrintJson(model);
    return Status::Ok();
  }
  const int64_t before = found.model["aliases"][options.alias].AsInt();
  context.console.Note(address + " is " + options.name + "@" + std::to_string(version) +
                       (before == 0 || before == version
                            ? ""
                            : " (was " + options.name + "@" + std::to_string(before) + ")"));
  if (model["publishedVersion"].AsInt() == 0) {
    context.console.Note(
        "devices get nothing of a model that is not published; to change that: "
        "godwit model publish " +
        options.name);
  }
  return Status::Ok();
}

Status RunModelAliasDelete(Context& context, const ModelAliasOptions& options) {
  GODWIT_RETURN_IF_ERROR(CheckAlias(options.alias));
  GODWIT_ASSIGN_OR_RETURN(Found found, FindModel(context, options.name));
  const std::string address = options.name + "@" + options.alias;
  if (!found.model["aliases"].Has(options.alias)) {
    return Status(StatusCode::kNotFound, "there is no " + address +
                                             ", so nothing was deleted; see what there is: godwit "
                                             "model alias list " +
                                             options.name);
  }
  GODWIT_RETURN_IF_ERROR(
      found.client.DeleteAlias(ModelId(found.model), options.alias).WithContext(address));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", Json(address)}}));
  } else {
    context.console.Note("deleted " + address +
                         "; devices that ask for it get an error from now on");
  }
  return Status::Ok();
}

Status RunModelAliasList(Context& context, const ModelNameOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const Found found, FindModel(context, options.address));
  const Json& aliases = found.model["aliases"];
  if (context.json) {
    context.console.PrintJson(
        Json::Object({{"aliases", aliases.is_null() ? Json::Object() : aliases}}));
    return Status::Ok();
  }
  if (aliases.members().empty()) {
    context.console.Note("no aliases yet; to make one: godwit model alias set " + options.address +
                         " ALIAS VERSION");
    return Status::Ok();
  }
  Table table({{"ALIAS"}, {"VERSION", Align::kRight}});
  for (const auto& [name, version] : aliases.members()) {
    table.AddRow({Printable(name), std::to_string(version.AsInt())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

}  // namespace godwit::cli
