// `godwit app create|list|show|config|delete`.
#include "cli/access_commands.h"
#include "cli/confirmation.h"
#include "cli/text_format.h"
#include "crypto/crypto.h"

namespace godwit::cli {
namespace {

std::string Collection(const std::string& platform) { return platform + "Apps"; }

std::string ProjectPath(const AdminClient& client) {
  return "/v1beta1/projects/" + PercentEncode(client.settings().project_id);
}

// The platform in "1:123:android:abc".
Result<std::string> PlatformOf(const std::string& app_id) {
  const size_t project = app_id.find(':');
  const size_t platform = project == std::string::npos ? project : app_id.find(':', project + 1);
  const size_t end = platform == std::string::npos ? platform : app_id.find(':', platform + 1);
  if (end != std::string::npos) {
    const std::string word = app_id.substr(platform + 1, end - platform - 1);
    for (const char* known : {"android", "ios", "web"}) {
      if (word == known) return word;
    }
  }
  return Status(StatusCode::kInvalidArgument,
                "'" + app_id + "' is no app's id; see them: godwit app list");
}

Result<std::string> AppPath(const AdminClient& client, const std::string& app_id) {
  GODWIT_ASSIGN_OR_RETURN(const std::string platform, PlatformOf(app_id));
  return ProjectPath(client) + "/" + Collection(platform) + "/" + PercentEncode(app_id);
}

std::string IdentityOf(const Json& app) {
  const std::string& package = app["packageName"].AsString();
  return Printable(package.empty() ? app["bundleId"].AsString() : package);
}

void PrintApp(Console& console, const Json& app) {
  const std::pair<const char*, std::string> rows[] = {
      {"id", Printable(app["appId"].AsString())},
      {"name", Printable(app["displayName"].AsString())},
      {"package", IdentityOf(app)},
      {"project", Printable(app["projectId"].AsString())}};
  for (const auto& [name, value] : rows) {
    if (!value.empty()) console.Print(PadRight(name, 9) + value + "\n");
  }
}

std::string KeysPath(const AdminClient& client) {
  return "/v2/projects/" + PercentEncode(client.settings().project_id) + "/locations/global/keys";
}

// A key for this app and no other, with its keyString.
Result<Json> NewKey(AdminClient& client, const Json& app) {
  const std::string& app_id = app["appId"].AsString();
  const std::string name = IdentityOf(app).empty() ? app_id : IdentityOf(app);
  const Json body =
      Json::Object({{"displayName", name}, {"restrictions", Json::Object({{"appId", app_id}})}});
  GODWIT_ASSIGN_OR_RETURN(const Json operation, client.Call("POST", KeysPath(client), body));
  return OutcomeOf(operation);
}

// app.json, for this project's own SDK and `godwit get`.
Result<std::string> OwnConfig(AdminClient& client, const Json& app, const std::string& api_key) {
  GODWIT_ASSIGN_OR_RETURN(
      const Json project,
      client.Call("GET", "/v1/projects/" + PercentEncode(app["projectId"].AsString()), Json()));
  return Json::Object({{"project_id", project["projectId"].AsString()},
                       {"project_number", project["projectNumber"].AsInt()},
                       {"app_id", app["appId"].AsString()},
                       {"api_key", api_key},
                       {"server_url", client.settings().url}})
             .Serialize(2) +
         "\n";
}

Result<std::string> FirebaseConfig(AdminClient& client, const std::string& path,
                                   const std::string& api_key) {
  GODWIT_ASSIGN_OR_RETURN(
      const Json config,
      client.Call("GET", path + "/config?key=" + PercentEncode(api_key), Json()));
  const std::string& contents = config["configFileContents"].AsString();
  if (contents.empty()) return config.Serialize(2) + "\n";  // A web app's.
  return Base64Decode(contents);
}

}  // namespace

Status RunAppCreate(Context& context, const AppOptions& options) {
  if ((options.platform == "web") != options.identity.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  options.platform == "web"
                      ? "a web app has no package name, so nothing was done; leave it out"
                      : "an app for " + options.platform +
                            " needs its package name or bundle id, like com.example.app");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  Json body = Json::Object();
  if (!options.name.empty()) body.Set("displayName", options.name);
  if (options.platform == "android") body.Set("packageName", options.identity);
  if (options.platform == "ios") body.Set("bundleId", options.identity);
  GODWIT_ASSIGN_OR_RETURN(
      const Json operation,
      client.Call("POST", ProjectPath(client) + "/" + Collection(options.platform), body));
  GODWIT_ASSIGN_OR_RETURN(const Json app, OutcomeOf(operation));
  if (context.json) {
    context.console.PrintJson(app);
  } else {
    PrintApp(context.console, app);
    context.console.Note("next, the file that the app is built with: godwit app config " +
                         Printable(app["appId"].AsString()) + " -o FILE");
  }
  return Status::Ok();
}

Status RunAppList(Context& context, const AppOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> apps,
                          client.List(ProjectPath(client) + ":searchApps", "apps"));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"apps", Json::Array(apps)}}));
    return Status::Ok();
  }
  if (apps.empty()) {
    context.console.Note("no apps yet; to add one: godwit app create android PACKAGE");
    return Status::Ok();
  }
  Table table({{"APP"}, {"PACKAGE"}, {"NAME"}});
  for (const Json& app : apps) {
    table.AddRow({Printable(app["appId"].AsString()), Printable(app["namespace"].AsString()),
                  Printable(app["displayName"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunAppShow(Context& context, const AppOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::string path, AppPath(client, options.id));
  GODWIT_ASSIGN_OR_RETURN(const Json app, client.Call("GET", path, Json()));
  if (context.json) {
    context.console.PrintJson(app);
  } else {
    PrintApp(context.console, app);
  }
  return Status::Ok();
}

Status RunAppConfig(Context& context, const AppOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, SecretFile::Create(context, options.output));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::string path, AppPath(client, options.id));
  GODWIT_ASSIGN_OR_RETURN(const Json app, client.Call("GET", path, Json()));
  Json key = Json::Object({{"keyString", options.api_key}});
  if (options.api_key.empty()) {
    GODWIT_ASSIGN_OR_RETURN(key, NewKey(client, app));
  }
  const std::string& api_key = key["keyString"].AsString();
  const auto text = options.format == "godwit" ? OwnConfig(client, app, api_key)
                                               : FirebaseConfig(client, path, api_key);
  const Status written = text.ok() ? file->Write(*text) : text.status();
  if (!written.ok() && options.api_key.empty()) {
    const std::string& id = key["uid"].AsString();
    const Status deleted =
        client.Call("DELETE", KeysPath(client) + "/" + PercentEncode(id), Json()).status();
    return SecretLost(written, deleted, "godwit app config " + options.id + " -o " + options.output,
                      "godwit key delete " + Printable(id));
  }
  GODWIT_RETURN_IF_ERROR(written);
  if (context.json) {
    context.console.PrintJson(Json::Object({{"file", options.output}}));
  } else {
    context.console.Note("wrote " + options.output +
                         (options.api_key.empty() ? " with a new API key for this app alone" : ""));
  }
  return Status::Ok();
}

Status RunAppDelete(Context& context, const AppOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::string path, AppPath(client, options.id));
  GODWIT_RETURN_IF_ERROR(client.Call("GET", path, Json()).status());
  if (!options.yes) {
    GODWIT_RETURN_IF_ERROR(ConfirmDeletion(
        context, options.id, "app '" + options.id + "', its installations and its own API keys"));
  }
  GODWIT_RETURN_IF_ERROR(client.Call("POST", path + ":remove", Json::Object()).status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", options.id}}));
  } else {
    context.console.Note("deleted app '" + options.id + "'; its devices get nothing from now on");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
