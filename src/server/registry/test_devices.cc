#include "server/registry/test_devices.h"

namespace godwit::server {

Result<std::map<ModelKey, std::vector<TestDevice>>> ReadAllTestDevices(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT project_number, model_id, fid, version, note, actor, create_time_ms "
                       "FROM test_devices ORDER BY project_number, model_id, fid"));
  std::map<ModelKey, std::vector<TestDevice>> devices;
  for (const SqlRow& row : rows) {
    devices[{row.Int(0), row.Text(1)}].push_back(
        {row.Text(2), row.Int(3), row.Text(4), row.Text(5), row.Int(6)});
  }
  return devices;
}

Status PutTestDevice(SqlConnection& connection, const Model& model, const TestDevice& device) {
  const Status put =
      connection
          .Execute(
              "INSERT INTO test_devices (project_number, model_id, fid, version, note, actor, "
              "create_time_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) "
              "ON CONFLICT (project_number, model_id, fid) DO UPDATE SET version = $4, "
              "note = $5, actor = $6, create_time_ms = $7",
              {model.project_number, model.id, device.fid, device.version, device.note,
               device.actor, device.create_time_ms})
          .status();
  if (put.code() != StatusCode::kFailedPrecondition) return put;
  return Status(StatusCode::kNotFound,
                "there is no installation " + device.fid +
                    " in this project, so nothing was changed; the app must have asked this "
                    "server for a model once, and `godwit get --json` prints its id");
}

Status RemoveTestDevice(SqlConnection& connection, const Model& model, std::string_view fid) {
  return connection
      .Execute("DELETE FROM test_devices WHERE project_number = $1 AND model_id = $2 AND fid = $3",
               {model.project_number, model.id, std::string(fid)})
      .status();
}

}  // namespace godwit::server
