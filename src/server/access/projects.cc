#include "server/access/projects.h"

#include "protocol/json.h"
#include "server/access/credentials.h"
#include "server/db/change_log.h"

namespace godwit::server {
namespace {

constexpr int64_t kProjectsMax = 1000;

Status RefuseWhileInUse(SqlConnection& sql, const Project& project) {
  static constexpr std::string_view kUses[][2] = {
      {"models", "SELECT 1 FROM models WHERE project_number = $1 LIMIT 1"},
      {"files in its storage", "SELECT 1 FROM objects WHERE project_number = $1 LIMIT 1"},
      {"uploads under way",
       "SELECT 1 FROM upload_sessions WHERE project_number = $1 AND "
       "finished_generation = 0 LIMIT 1"}};
  for (const auto& [what, query] : kUses) {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, sql.Query(query, {project.number}));
    if (rows.empty()) continue;
    return Status(StatusCode::kFailedPrecondition,
                  "project '" + project.id + "' still has " + std::string(what) +
                      ", so nothing was deleted; delete them first");
  }
  return Status::Ok();
}

}  // namespace

Result<Project> Projects::Create(const Principal& by, std::string_view id,
                                 std::string_view display_name) {
  GODWIT_ASSIGN_OR_RETURN(Project project, MintProject(id, display_name));
  project.created_ms = access_.clock().NowMs();
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(CheckRoom(sql, "SELECT count(*) FROM projects WHERE number <> $1",
                                     project.number, kProjectsMax, "projects"));
    GODWIT_RETURN_IF_ERROR(InsertProject(sql, project, project.created_ms));
    return AppendChange(sql, {project.number, project.created_ms, by.email, "project.create",
                              "projects/" + project.id, "{}"});
  }));
  return project;
}

Status Projects::Delete(const Principal& by, int64_t number) {
  const auto snapshot = access_.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  return access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows own,
        sql.Query("SELECT 1 FROM service_accounts WHERE email = $1 AND project_number = $2",
                  {by.email, number}));
    if (!own.empty()) {
      return Status(StatusCode::kFailedPrecondition,
                    "project '" + project->id +
                        "' is your account's own, so nothing was deleted; delete it as an owner "
                        "of another project");
    }
    GODWIT_RETURN_IF_ERROR(RefuseWhileInUse(sql, *project));
    // In the order of what refers to what.
    for (const std::string_view statement :
         {"DELETE FROM access_tokens WHERE project_number = $1",
          "DELETE FROM service_accounts WHERE project_number = $1",
          "DELETE FROM installations WHERE project_number = $1",
          "DELETE FROM event_totals WHERE project_number = $1",
          "DELETE FROM api_keys WHERE project_number = $1",
          "DELETE FROM apps WHERE project_number = $1",
          "DELETE FROM upload_sessions WHERE project_number = $1",
          "DELETE FROM buckets WHERE project_number = $1",
          "DELETE FROM projects WHERE number = $1"}) {
      GODWIT_RETURN_IF_ERROR(sql.Execute(statement, {number}).status());
    }
    return AppendChange(sql, {number, access_.clock().NowMs(), by.email, "project.delete",
                              "projects/" + project->id, "{}"});
  });
}

}  // namespace godwit::server
