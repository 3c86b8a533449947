#include "server/api/apps_handler.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "protocol/installation_messages.h"
#include "server/access/apps.h"
#include "server/api/admin_messages.h"
#include "server/api/app_config.h"
#include "server/api/authentication.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr std::string_view kSearchSuffix = ":searchApps";
constexpr std::string_view kRemoveSuffix = ":remove";

struct Platform {
  std::string_view name;        // In App and in an app's id.
  std::string_view collection;  // In the path.
  std::string_view upper;       // In searchApps.
  std::string_view identity;    // The JSON field; empty: there is none.
  std::string_view type;
};

constexpr Platform kPlatforms[] = {
    {"android", "androidApps", "ANDROID", "packageName",
     "type.googleapis.com/google.firebase.service.v1.AndroidApp"},
    {"ios", "iosApps", "IOS", "bundleId", "type.googleapis.com/google.firebase.service.v1.IosApp"},
    {"web", "webApps", "WEB", "", "type.googleapis.com/google.firebase.service.v1.WebApp"},
};

const Platform* FindPlatform(std::string_view Platform::* field, std::string_view value) {
  for (const Platform& platform : kPlatforms) {
    if (platform.*field == value) return &platform;
  }
  return nullptr;
}

struct Call {
  const ApiServices& services;
  const Request& request;
  const RequestTarget& target;
  Principal by;
  Project project;
};

std::string NameOf(const Project& project, const Platform& platform, const App& app) {
  return "projects/" + project.id + "/" + std::string(platform.collection) + "/" + app.id;
}

Json AppJson(const Project& project, const Platform& platform, const App& app) {
  Json json = Json::Object({{"name", NameOf(project, platform, app)},
                            {"appId", app.id},
                            {"projectId", project.id},
                            {"state", "ACTIVE"}});
  if (!app.display_name.empty()) json.Set("displayName", app.display_name);
  if (!platform.identity.empty() && !app.identity.empty()) {
    json.Set(platform.identity, app.identity);
  }
  return json;
}

Json CertificateJson(std::string_view app_name, const std::string& fingerprint) {
  return Json::Object({{"name", std::string(app_name) + "/sha/" + fingerprint},
                       {"shaHash", fingerprint},
                       {"certType", fingerprint.size() == 40 ? "SHA_1" : "SHA_256"}});
}

// Up to a page of the project's apps, of one platform or of all.
Result<Response> List(const Call& call, const Platform* only) {
  GODWIT_ASSIGN_OR_RETURN(const Page page, ReadPage(call.target.query));
  const auto snapshot = call.services.access.snapshot();
  std::vector<const App*> found;  // One more than the page tells whether there is a next one.
  for (const App& app : snapshot->apps()) {  // Sorted by id.
    if (app.project_number != call.project.number || app.id <= page.after) continue;
    if (only != nullptr ? app.platform != only->name
                        : FindPlatform(&Platform::name, app.platform) == nullptr) {
      continue;
    }
    found.push_back(&app);
    if (found.size() > static_cast<size_t>(page.size)) break;
  }
  Json body = Json::Object();
  if (found.size() > static_cast<size_t>(page.size)) {
    found.pop_back();
    body.Set("nextPageToken", found.back()->id);
  }
  Json apps = Json::Array();
  for (const App* app : found) {
    const Platform& platform = *FindPlatform(&Platform::name, app->platform);
    Json json = AppJson(call.project, platform, *app);
    if (only == nullptr) json.Set("platform", platform.upper).Set("namespace", app->identity);
    apps.Add(std::move(json));
  }
  body.Set("apps", std::move(apps));
  return JsonResponse(200, body);
}

Result<Response> Create(const Call& call, const Platform& platform) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(call.request));
  std::string display_name, identity;
  GODWIT_RETURN_IF_ERROR(body.ReadString("displayName", &display_name));
  if (!platform.identity.empty()) {
    GODWIT_RETURN_IF_ERROR(body.ReadString(platform.identity, &identity));
    if (identity.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    std::string(platform.identity) + " is missing; it is like com.example.app");
    }
  }
  GODWIT_ASSIGN_OR_RETURN(
      const App app,
      Apps(call.services.access).Create(call.by, {platform.name, display_name, identity}));
  call.services.logger.Info("app created", {{"id", app.id}, {"by", call.by.email}});
  return DoneOperation("app", app.id, platform.type, AppJson(call.project, platform, app));
}

Result<Response> Rename(const Call& call, const Platform& platform, const App& app) {
  GODWIT_RETURN_IF_ERROR(ReadMask(call.target.query, {"displayName"}).status());
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(call.request));
  std::string display_name;
  GODWIT_RETURN_IF_ERROR(body.ReadString("displayName", &display_name));
  GODWIT_ASSIGN_OR_RETURN(const App renamed,
                          Apps(call.services.access).Rename(call.by, app.id, display_name));
  return JsonResponse(200, AppJson(call.project, platform, renamed));
}

// The server keeps no key, so the caller brings the one that the file shall hold.
Result<Response> Config(const Call& call, const App& app) {
  std::string_view text = call.request.head.Find(kApiKeyHeader);
  if (text.empty()) text = call.target.query.Get("key");
  const auto snapshot = call.services.access.snapshot();
  const ApiKey* const key = text.empty() ? nullptr : snapshot->FindApiKey(text);
  if (key == nullptr || key->project_number != app.project_number ||
      (!key->app_id.empty() && key->app_id != app.id)) {
    return Status(StatusCode::kFailedPrecondition,
                  "the file needs an API key of this app, and the server keeps hashes alone: send "
                  "the key as x-goog-api-key; for a new one: godwit app config --new-key");
  }
  AppConfig config = MakeAppConfig(call.project, app, text);
  if (config.filename.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(config.contents));
    return WithoutStore(JsonResponse(200, json));
  }
  return WithoutStore(JsonResponse(
      200, Json::Object({{"configFilename", config.filename},
                         {"configFileContents", Base64Encode(AsBytes(config.contents))}})));
}

Result<Response> Certificates(const Call& call, const Platform& platform, const App& app) {
  const Method method = call.request.head.method;
  const std::string name = NameOf(call.project, platform, app);
  Apps apps(call.services.access);
  const size_t depth = call.target.segments.size();
  if (depth == 6 && method == Method::kGet) {
    GODWIT_ASSIGN_OR_RETURN(const auto fingerprints, apps.ListCertificates(call.by, app.id));
    Json list = Json::Array();
    for (const std::string& fingerprint : fingerprints)
      list.Add(CertificateJson(name, fingerprint));
    return JsonResponse(200, Json::Object({{"certificates", std::move(list)}}));
  }
  if (depth == 6 && method == Method::kPost) {
    GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(call.request));
    std::string hash;
    GODWIT_RETURN_IF_ERROR(body.ReadString("shaHash", &hash));
    GODWIT_ASSIGN_OR_RETURN(const std::string fingerprint,
                            apps.AddCertificate(call.by, app.id, hash));
    return JsonResponse(200, CertificateJson(name, fingerprint));
  }
  if (depth == 7 && method == Method::kDelete) {
    GODWIT_RETURN_IF_ERROR(apps.DeleteCertificate(call.by, app.id, call.target.At(6)));
    return JsonResponse(200, Json::Object());
  }
  return NoSuchMethod();
}

Result<Response> RouteApp(const Call& call, const Platform& platform, const App& app,
                          bool is_remove) {
  const Method method = call.request.head.method;
  const size_t depth = call.target.segments.size();
  if (is_remove && method == Method::kPost) {
    GODWIT_RETURN_IF_ERROR(Apps(call.services.access).Delete(call.by, app.id));
    call.services.logger.Info("app deleted", {{"id", app.id}, {"by", call.by.email}});
    return DoneDeletion();
  }
  if (is_remove) return NoSuchMethod();
  if (depth == 5 && method == Method::kGet) {
    return JsonResponse(200, AppJson(call.project, platform, app));
  }
  if (depth == 5 && method == Method::kPatch) return Rename(call, platform, app);
  if (depth == 6 && method == Method::kGet && call.target.At(5) == "config") {
    return Config(call, app);
  }
  if (call.target.At(5) == "sha") return Certificates(call, platform, app);
  return NoSuchMethod();
}

Result<Call> Authorize(const ApiServices& services, const Request& request,
                       const RequestTarget& target, std::string_view project_name) {
  const Role needed = RoleFor(request.head.method) == Role::kViewer ? Role::kViewer : Role::kAdmin;
  GODWIT_ASSIGN_OR_RETURN(Principal by,
                          AuthorizeProject(services, request.head, project_name, needed));
  const auto snapshot = services.access.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  return Call{services, request, target, std::move(by), *project};
}

Result<Response> Route(const ApiServices& services, const Request& request,
                       const RequestTarget& target) {
  const size_t depth = target.segments.size();
  std::string_view project_name = target.At(2);
  if (depth == 3 && project_name.ends_with(kSearchSuffix) && request.head.method == Method::kGet) {
    project_name.remove_suffix(kSearchSuffix.size());
    GODWIT_ASSIGN_OR_RETURN(const Call call, Authorize(services, request, target, project_name));
    return List(call, nullptr);
  }
  const Platform* const platform = FindPlatform(&Platform::collection, target.At(3));
  if (platform == nullptr || depth > 7) return NoSuchMethod();
  if (depth == 4) {
    GODWIT_ASSIGN_OR_RETURN(const Call call, Authorize(services, request, target, project_name));
    if (request.head.method == Method::kPost) return Create(call, *platform);
    return request.head.method == Method::kGet ? List(call, platform) : NoSuchMethod();
  }
  std::string_view app_id = target.At(4);
  const bool is_remove = depth == 5 && app_id.ends_with(kRemoveSuffix);
  if (is_remove) app_id.remove_suffix(kRemoveSuffix.size());
  const auto snapshot = services.access.snapshot();
  const App* app = snapshot->FindApp(app_id);
  if (app != nullptr && app->platform != platform->name) app = nullptr;
  // "-" stands for the project that the app is of, because an app's id is unique.
  const std::string any = app != nullptr ? std::to_string(app->project_number) : "";
  if (project_name == "-" && app == nullptr) {
    GODWIT_RETURN_IF_ERROR(Authenticate(services, request.head).status());
    return Status(StatusCode::kNotFound, "there is no such app");
  }
  GODWIT_ASSIGN_OR_RETURN(const Call call, Authorize(services, request, target,
                                                     project_name == "-" ? any : project_name));
  if (app == nullptr || app->project_number != call.project.number) {
    return Status(StatusCode::kNotFound, "the project has no such app");
  }
  return RouteApp(call, *platform, *app, is_remove);
}

}  // namespace

Response HandleAppsRequest(const ApiServices& services, const Request& request,
                           const RequestTarget& target) {
  auto response = Route(services, request, target);
  return response.ok() ? *std::move(response) : ErrorResponse(response.status());
}

Result<Response> AppOperation(const ApiServices& services, const RequestHead& head,
                              std::string_view app_id) {
  GODWIT_RETURN_IF_ERROR(Authenticate(services, head).status());
  const auto snapshot = services.access.snapshot();
  const App* const app = snapshot->FindApp(app_id);
  const Platform* const platform =
      app == nullptr ? nullptr : FindPlatform(&Platform::name, app->platform);
  if (platform == nullptr) return Status(StatusCode::kNotFound, "there is no such app");
  const std::string number = std::to_string(app->project_number);
  GODWIT_RETURN_IF_ERROR(AuthorizeProject(services, head, number, Role::kViewer).status());
  const Project* const project = snapshot->FindProject(number);
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  return DoneOperation("app", app->id, platform->type, AppJson(*project, *platform, *app));
}

}  // namespace godwit::server
