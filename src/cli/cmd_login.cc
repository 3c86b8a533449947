// `godwit login` and `godwit logout`: credentials that later commands find.
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"

namespace godwit::cli {
namespace {

constexpr uint64_t kFileBytesMax = 64 << 10;

// The file's text; empty when `required` is false and there is none.
Result<std::string> ReadCredentials(FileSystem& fs, const std::string& path, bool required) {
  auto text = ReadWholeFile(fs, path, kFileBytesMax);
  if (!text.ok() && text.status().code() == StatusCode::kNotFound && !required) {
    return std::string();
  }
  return text;
}

struct Texts {
  std::string admin;
  std::string app;
};

// From the flags, else from the folder.
Result<Texts> ReadTexts(Context& context, const LoginOptions& options) {
  const ConnectionFlags& flags = context.settings.flags();
  Texts texts;
  if (!flags.credentials.empty()) {
    GODWIT_ASSIGN_OR_RETURN(texts.admin, ReadCredentials(context.fs, flags.credentials, true));
  } else if (!options.folder.empty()) {
    GODWIT_ASSIGN_OR_RETURN(
        texts.admin, ReadCredentials(context.fs, JoinPath(options.folder, "admin.json"), false));
  }
  if (!flags.app.empty()) {
    GODWIT_ASSIGN_OR_RETURN(texts.app, ReadCredentials(context.fs, flags.app, true));
  } else if (!options.folder.empty()) {
    GODWIT_ASSIGN_OR_RETURN(
        texts.app, ReadCredentials(context.fs, JoinPath(options.folder, "app.json"), false));
  }
  if (texts.admin.empty() && texts.app.empty()) {
    if (!options.folder.empty()) {
      return Status(StatusCode::kNotFound,
                    "'" + options.folder +
                        "' holds neither admin.json nor app.json, so nothing was saved; give the "
                        "credentials folder of a server's data");
    }
    return Status(StatusCode::kInvalidArgument,
                  "no credentials were given; type godwit login FOLDER, where godwitd keeps "
                  "admin.json and app.json, or name them by --credentials and --app");
  }
  return texts;
}

}  // namespace

Status RunLogin(Context& context, const LoginOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const Texts texts, ReadTexts(context, options));
  std::string url = context.settings.flags().url;
  if (!url.empty()) {
    GODWIT_ASSIGN_OR_RETURN(url, NormalizeServerUrl(std::move(url)).WithContext("--url"));
  }
  Json report = Json::Object();
  if (!texts.app.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const AppSettings app,
                            ParseAppSettings(texts.app).WithContext("app.json"));
    if (url.empty()) url = app.url;
    report.Set("app", Json(app.app_id));
  }
  if (!texts.admin.empty()) {
    GODWIT_ASSIGN_OR_RETURN(AdminSettings admin,
                            ParseAdminSettings(texts.admin).WithContext("admin.json"));
    if (url.empty()) url = admin.url;
    admin.url = url;
    admin.token_uri = url + "/token";
    admin.source = "admin.json";
    report.Set("administrator", Json(admin.client_email));
    AdminClient client(context.http, context.clock, std::move(admin));
    GODWIT_RETURN_IF_ERROR(client.Authenticate());
  }
  GODWIT_RETURN_IF_ERROR(context.settings.Save(url, texts.admin, texts.app));
  report.Set("serverUrl", Json(url)).Set("folder", Json(context.settings.config_folder()));
  if (context.json) {
    context.console.PrintJson(report);
    return Status::Ok();
  }
  context.console.Note("saved in " + context.settings.config_folder() + " for " + url);
  if (report.Has("administrator")) {
    context.console.Note("administrator " + report["administrator"].AsString() + " (checked)");
  }
  if (report.Has("app")) context.console.Note("app " + report["app"].AsString());
  context.console.Note("next: godwit model list");
  return Status::Ok();
}

Status RunLogout(Context& context) {
  GODWIT_RETURN_IF_ERROR(context.settings.Forget());
  context.console.Note("forgot what was saved in " + context.settings.config_folder());
  return Status::Ok();
}

}  // namespace godwit::cli
