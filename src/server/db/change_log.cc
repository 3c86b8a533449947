#include "server/db/change_log.h"

namespace godwit::server {

Status AppendChange(SqlConnection& connection, const Change& change) {
  // One writer at a time, so the next number is free until this transaction ends.
  GODWIT_ASSIGN_OR_RETURN(
      const int64_t inserted,
      connection.Execute(
          "INSERT INTO change_log (change_id, project_number, time_ms, actor, action, resource, "
          "detail) SELECT COALESCE(MAX(change_id), 0) + 1, $1, $2, $3, $4, $5, $6 FROM change_log",
          {change.project_number, change.time_ms, std::string(change.actor),
           std::string(change.action), std::string(change.resource), change.detail}));
  if (inserted == 1) return Status::Ok();
  return Status(StatusCode::kInternal, "change_log took no row");
}

}  // namespace godwit::server
