#include "cli/settings.h"

#include <cstdlib>
#include <utility>

#include "protocol/json.h"

namespace godwit::cli {
namespace {

constexpr uint64_t kSettingsBytesMax = 64 << 10;
constexpr const char* kAdminFile = "admin.json";
constexpr const char* kAppFile = "app.json";
constexpr const char* kServerFile = "server.json";

Status MissingField(const char* field, const char* file_kind) {
  return Status(StatusCode::kInvalidArgument,
                std::string("it has no '") + field + "', so it is no " + file_kind +
                    " file; use the one that godwitd wrote into its credentials folder");
}

Result<std::string> RequiredField(const Json& object, const char* field, const char* file_kind) {
  const std::string& value = object[field].AsString();
  if (value.empty()) return MissingField(field, file_kind);
  return value;
}

std::string FolderFrom(const Variables& variables, const char* variable, const char* below_home) {
  std::string base = variables(variable);
  // The XDG specification says to ignore a relative path.
  if (base.empty() || base.front() != '/') {
    const std::string home = variables("HOME");
    base = JoinPath(home.empty() ? "." : home, below_home);
  }
  return JoinPath(base, "godwit");
}

}  // namespace

std::string ProcessVariable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> NormalizeServerUrl(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  const size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  bool clean = host > 0 && url.size() > host && url.size() < 2048;
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '?' || c == '#' || c == 0x7F) clean = false;
  }
  if (!clean) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + url + "' is not a server address; give one like http://127.0.0.1:8484");
  }
  return url;
}

Result<AdminSettings> ParseAdminSettings(const std::string& text) {
  constexpr const char* kKind = "service-account key";
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  AdminSettings settings;
  GODWIT_ASSIGN_OR_RETURN(settings.project_id, RequiredField(json, "project_id", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.client_email, RequiredField(json, "client_email", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.private_key, RequiredField(json, "private_key", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.token_uri, RequiredField(json, "token_uri", kKind));
  settings.private_key_id = json["private_key_id"].AsString();
  std::string url = settings.token_uri;
  if (url.ends_with("/token")) url.resize(url.size() - 6);
  GODWIT_ASSIGN_OR_RETURN(settings.url, NormalizeServerUrl(url).WithContext("token_uri"));
  return settings;
}

Result<AppSettings> ParseAppSettings(const std::string& text) {
  constexpr const char* kKind = "app";
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  AppSettings settings;
  GODWIT_ASSIGN_OR_RETURN(settings.project_id, RequiredField(json, "project_id", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.app_id, RequiredField(json, "app_id", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.api_key, RequiredField(json, "api_key", kKind));
  GODWIT_ASSIGN_OR_RETURN(const std::string url, RequiredField(json, "server_url", kKind));
  GODWIT_ASSIGN_OR_RETURN(settings.url, NormalizeServerUrl(url).WithContext("server_url"));
  settings.project_number = json["project_number"].AsInt();
  return settings;
}

Settings::Settings(FileSystem& fs, Variables variables, ConnectionFlags flags)
    : fs_(fs), variables_(std::move(variables)), flags_(std::move(flags)) {
  config_folder_ = FolderFrom(variables_, "XDG_CONFIG_HOME", ".config");
  store_folder_ = FolderFrom(variables_, "XDG_DATA_HOME", ".local/share");
  cache_folder_ = FolderFrom(variables_, "XDG_CACHE_HOME", ".cache");
}

Result<Settings::Found> Settings::FindFile(const std::string& flag, const char* variable,
                                           const char* saved_name) const {
  std::string path = flag.empty() ? variables_(variable) : flag;
  std::string source = path;
  if (path.empty()) {
    path = JoinPath(config_folder_, saved_name);
    source = path + " (saved by godwit login)";
    auto saved = ReadWholeFile(fs_, path, kSettingsBytesMax);
    if (!saved.ok() && saved.status().code() == StatusCode::kNotFound) return Found{};
    if (!saved.ok()) return saved.status();
    return Found{std::move(saved).value(), source};
  }
  GODWIT_ASSIGN_OR_RETURN(std::string text, ReadWholeFile(fs_, path, kSettingsBytesMax));
  return Found{std::move(text), source};
}

Result<std::string> Settings::FindUrl() const {
  if (!flags_.url.empty()) return NormalizeServerUrl(flags_.url).WithContext("--url");
  const std::string variable = variables_("GODWIT_URL");
  if (!variable.empty()) return NormalizeServerUrl(variable).WithContext("GODWIT_URL");
  const auto saved = ReadWholeFile(fs_, JoinPath(config_folder_, kServerFile), kSettingsBytesMax);
  if (!saved.ok()) return std::string();
  const auto json = Json::Parse(*saved);
  return json.ok() ? (*json)["url"].AsString() : std::string();
}

Result<AdminSettings> Settings::Admin() const {
  GODWIT_ASSIGN_OR_RETURN(const Found found,
                          FindFile(flags_.credentials, "GODWIT_CREDENTIALS", kAdminFile));
  if (found.text.empty()) {
    return Status(StatusCode::kUnauthenticated,
                  "there are no administrator credentials, so the server was not asked; give "
                  "--credentials FILE, set GODWIT_CREDENTIALS, or type: godwit login FOLDER "
                  "(godwitd keeps admin.json in the credentials folder of its data)");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings,
                          ParseAdminSettings(found.text).WithContext(found.source));
  settings.source = found.source;
  GODWIT_ASSIGN_OR_RETURN(const std::string url, FindUrl());
  // A token must come from where it is going to be shown.
  if (!url.empty() && url != settings.url) {
    settings.url = url;
    settings.token_uri = url + "/token";
  }
  return settings;
}

Result<AppSettings> Settings::App() const {
  GODWIT_ASSIGN_OR_RETURN(const Found found, FindFile(flags_.app, "GODWIT_APP", kAppFile));
  if (found.text.empty()) {
    return Status(StatusCode::kUnauthenticated,
                  "there is no app and API key, so the server was not asked; give --app FILE, set "
                  "GODWIT_APP, or type: godwit login FOLDER (godwitd keeps app.json in the "
                  "credentials folder of its data)");
  }
  GODWIT_ASSIGN_OR_RETURN(AppSettings settings,
                          ParseAppSettings(found.text).WithContext(found.source));
  settings.source = found.source;
  GODWIT_ASSIGN_OR_RETURN(const std::string url, FindUrl());
  if (!url.empty()) settings.url = url;
  return settings;
}

Status Settings::Save(const std::string& url, const std::string& admin_text,
                      const std::string& app_text) {
  GODWIT_RETURN_IF_ERROR(fs_.CreateDirectories(config_folder_));
  const auto path = [&](const char* name) { return JoinPath(config_folder_, name); };
  if (!admin_text.empty()) {
    GODWIT_RETURN_IF_ERROR(ReplaceFile(fs_, path(kAdminFile), admin_text));
  }
  if (!app_text.empty()) GODWIT_RETURN_IF_ERROR(ReplaceFile(fs_, path(kAppFile), app_text));
  return ReplaceFile(fs_, path(kServerFile),
                     Json::Object({{"url", Json(url)}}).Serialize(2) + "\n");
}

Status Settings::Forget() {
  for (const char* name : {kAdminFile, kAppFile, kServerFile}) {
    GODWIT_RETURN_IF_ERROR(fs_.Remove(JoinPath(config_folder_, name)));
  }
  return Status::Ok();
}

}  // namespace godwit::cli
