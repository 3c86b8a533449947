#include "server/api/app_config.h"

#include "protocol/json.h"

namespace godwit::server {
namespace {

std::string GoogleServicesJson(const Project& project, const App& app, std::string_view api_key) {
  const Json project_info = Json::Object(
      {{"project_number", std::to_string(project.number)}, {"project_id", project.id}});
  const Json client_info =
      Json::Object({{"mobilesdk_app_id", app.id},
                    {"android_client_info", Json::Object({{"package_name", app.identity}})}});
  const Json services = Json::Object(
      {{"appinvite_service", Json::Object({{"other_platform_oauth_client", Json::Array()}})}});
  const Json client =
      Json::Object({{"client_info", client_info},
                    {"oauth_client", Json::Array()},
                    {"api_key", Json::Array({Json::Object({{"current_key", api_key}})})},
                    {"services", services}});
  return Json::Object({{"project_info", project_info},
                       {"client", Json::Array({client})},
                       {"configuration_version", "1"}})
             .Serialize(2) +
         "\n";
}

// None of the values needs escaping in XML: ids, numbers, keys and bundle ids.
std::string GoogleServiceInfoPlist(const Project& project, const App& app,
                                   std::string_view api_key) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
      "<plist version=\"1.0\">\n<dict>\n";
  const std::string number = std::to_string(project.number);
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"API_KEY", api_key},        {"GCM_SENDER_ID", number},  {"PLIST_VERSION", "1"},
      {"BUNDLE_ID", app.identity}, {"PROJECT_ID", project.id}, {"GOOGLE_APP_ID", app.id}};
  for (const auto& [name, value] : rows) {
    text +=
        "\t<key>" + std::string(name) + "</key>\n\t<string>" + std::string(value) + "</string>\n";
  }
  for (const std::string_view name : {"IS_ADS_ENABLED", "IS_ANALYTICS_ENABLED"}) {
    text += "\t<key>" + std::string(name) + "</key>\n\t<false/>\n";
  }
  return text + "</dict>\n</plist>\n";
}

}  // namespace

AppConfig MakeAppConfig(const Project& project, const App& app, std::string_view api_key) {
  if (app.platform == "android") {
    return {"google-services.json", GoogleServicesJson(project, app, api_key)};
  }
  if (app.platform == "ios") {
    return {"GoogleService-Info.plist", GoogleServiceInfoPlist(project, app, api_key)};
  }
  return {"", Json::Object({{"projectId", project.id},
                            {"appId", app.id},
                            {"apiKey", api_key},
                            {"messagingSenderId", std::to_string(project.number)}})
                      .Serialize(2) +
                  "\n"};
}

}  // namespace godwit::server
