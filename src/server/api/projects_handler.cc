#include "server/api/projects_handler.h"

#include <algorithm>

#include "base/time_format.h"
#include "server/access/projects.h"
#include "server/api/admin_messages.h"
#include "server/api/authentication.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr std::string_view kType = "type.googleapis.com/google.cloudresourcemanager.v1.Project";

Json ProjectJson(const Project& project) {
  Json json = Json::Object({{"projectNumber", std::to_string(project.number)},
                            {"projectId", project.id},
                            {"lifecycleState", "ACTIVE"},
                            {"createTime", FormatTimeMicros(project.created_ms)}});
  if (!project.display_name.empty()) json.Set("name", project.display_name);
  return json;
}

Result<Response> Create(const ApiServices& services, const Request& request) {
  GODWIT_ASSIGN_OR_RETURN(const Principal by, Authenticate(services, request.head));
  GODWIT_RETURN_IF_ERROR(RequireRole(by, Role::kOwner));
  GODWIT_ASSIGN_OR_RETURN(const Json body, ReadObject(request));
  std::string id, display_name;
  GODWIT_RETURN_IF_ERROR(body.ReadString("projectId", &id));
  GODWIT_RETURN_IF_ERROR(body.ReadString("name", &display_name));
  GODWIT_ASSIGN_OR_RETURN(const Project project,
                          Projects(services.access).Create(by, id, display_name));
  services.logger.Info("project created", {{"id", project.id}, {"by", by.email}});
  return DoneOperation("project", project.id, kType, ProjectJson(project));
}

// An owner's list is all projects, everyone else's his own.
Result<Response> List(const ApiServices& services, const Request& request,
                      const QueryParameters& query) {
  GODWIT_ASSIGN_OR_RETURN(const Principal by, Authenticate(services, request.head));
  GODWIT_ASSIGN_OR_RETURN(const Page page, ReadPage(query));
  const auto snapshot = services.access.snapshot();
  std::vector<const Project*> visible;
  for (const Project& project : snapshot->projects()) {
    const bool mine = by.role == Role::kOwner || project.number == by.project_number;
    if (mine && project.id > page.after) visible.push_back(&project);
  }
  std::sort(visible.begin(), visible.end(),
            [](const Project* a, const Project* b) { return a->id < b->id; });
  Json projects = Json::Array();
  Json body = Json::Object();
  for (size_t i = 0; i < visible.size() && i < static_cast<size_t>(page.size); ++i) {
    projects.Add(ProjectJson(*visible[i]));
    if (i + 1 == static_cast<size_t>(page.size) && i + 1 < visible.size()) {
      body.Set("nextPageToken", visible[i]->id);
    }
  }
  body.Set("projects", std::move(projects));
  return JsonResponse(200, body);
}

Result<Response> Get(const ApiServices& services, const RequestHead& head, std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(const Principal by, AuthorizeProject(services, head, id, Role::kViewer));
  const auto snapshot = services.access.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  return JsonResponse(200, ProjectJson(*project));
}

Result<Response> Delete(const ApiServices& services, const RequestHead& head, std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(const Principal by, AuthorizeProject(services, head, id, Role::kOwner));
  GODWIT_RETURN_IF_ERROR(Projects(services.access).Delete(by, by.project_number));
  services.logger.Info("project deleted", {{"id", id}, {"by", by.email}});
  return JsonResponse(200, Json::Object());
}

Result<Response> Route(const ApiServices& services, const Request& request,
                       const RequestTarget& target) {
  const Method method = request.head.method;
  if (target.segments.size() == 2) {
    if (method == Method::kPost) return Create(services, request);
    if (method == Method::kGet) return List(services, request, target.query);
  }
  if (target.segments.size() == 3) {
    if (method == Method::kGet) return Get(services, request.head, target.At(2));
    if (method == Method::kDelete) return Delete(services, request.head, target.At(2));
  }
  return NoSuchMethod();
}

}  // namespace

Response HandleProjectsRequest(const ApiServices& services, const Request& request,
                               const RequestTarget& target) {
  auto response = Route(services, request, target);
  return response.ok() ? *std::move(response) : ErrorResponse(response.status());
}

Result<Response> ProjectOperation(const ApiServices& services, const RequestHead& head,
                                  std::string_view project_id) {
  GODWIT_ASSIGN_OR_RETURN(const Principal by,
                          AuthorizeProject(services, head, project_id, Role::kViewer));
  const auto snapshot = services.access.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  return DoneOperation("project", project_id, kType, ProjectJson(*project));
}

}  // namespace godwit::server
