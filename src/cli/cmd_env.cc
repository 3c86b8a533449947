// `godwit env` and `godwit version`. Never prints a secret.
#include <sys/utsname.h>

#include "cli/commands.h"
#include "cli/text_format.h"
#include "inference/runtime.h"

namespace godwit::cli {
namespace {

std::string SystemName() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string Compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace

Status RunVersion(Context& context) {
  if (context.json) {
    context.console.PrintJson(Json::Object({{"version", Json(GODWIT_VERSION)}}));
  } else {
    context.console.Print("godwit " GODWIT_VERSION "\n");
  }
  return Status::Ok();
}

Status RunEnv(Context& context) {
  const Settings& settings = context.settings;
  const auto admin = settings.Admin();
  const auto app = settings.App();
  const std::string admin_text =
      admin.ok() ? admin->client_email + " (" + admin->source + ")" : "none";
  const std::string app_text = app.ok() ? app->app_id + " (" + app->source + ")" : "none";
  const std::string url = admin.ok() ? admin->url : app.ok() ? app->url : settings.flags().url;
  const auto runtime = Runtime::Load(DefaultRuntimeSearch(""));
  const std::string runtime_text =
      runtime.ok() ? runtime->version + " (" + runtime->path + ")" : "none";
  const struct {
    const char* name;
    const char* json_name;
    std::string value;
  } rows[] = {
      {"version", "version", GODWIT_VERSION},
      {"built with", "compiler", Compiler()},
      {"system", "system", SystemName()},
      {"server", "serverUrl", url.empty() ? "none" : url},
      {"administrator", "administrator", admin_text},
      {"app", "app", app_text},
      {"settings folder", "settingsFolder", settings.config_folder()},
      {"device store", "storeFolder", settings.store_folder()},
      {"runtime", "runtime", runtime_text},
  };
  if (context.json) {
    Json json = Json::Object();
    for (const auto& row : rows) json.Set(row.json_name, Json(row.value));
    context.console.PrintJson(json);
    return Status::Ok();
  }
  for (const auto& row : rows) {
    context.console.Print(PadRight(row.name, 17) + Printable(row.value) + "\n");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
