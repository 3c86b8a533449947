#include "server/registry/operations.h"

#include "protocol/json.h"

namespace godwit::server {
namespace {

constexpr char kSelect[] =
    "SELECT operation_id, project_number, model_id, actor, change, source_uri, sha256, "
    "size_bytes, create_time_ms, done_time_ms, error_code, error_message FROM operations ";

std::string ChangeText(const ModelChange& change) {
  Json json = Json::Object({{"fileMovesPublished", change.file_moves_published}});
  if (change.display_name) json.Set("displayName", *change.display_name);
  if (change.published) json.Set("published", *change.published);
  if (change.published_version) json.Set("publishedVersion", *change.published_version);
  if (change.tags) {
    Json tags = Json::Array();
    for (const std::string& tag : *change.tags) tags.Add(tag);
    json.Set("tags", std::move(tags));
  }
  return json.Serialize();
}

Result<ModelChange> ParseChange(const std::string& text) {
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  ModelChange change;
  change.file_moves_published = json["fileMovesPublished"].AsBool();
  if (json.Has("displayName")) change.display_name = json["displayName"].AsString();
  if (json.Has("published")) change.published = json["published"].AsBool();
  if (json.Has("publishedVersion")) change.published_version = json["publishedVersion"].AsInt();
  if (json.Has("tags")) {
    change.tags.emplace();
    for (const Json& tag : json["tags"].items()) change.tags->push_back(tag.AsString());
  }
  return change;
}

Result<Operation> OperationFromRow(const SqlRow& row) {
  Operation operation;
  operation.id = row.Text(0);
  operation.project_number = row.Int(1);
  operation.model_id = row.Text(2);
  operation.actor = row.Text(3);
  GODWIT_ASSIGN_OR_RETURN(operation.change, ParseChange(row.Text(4)));
  GODWIT_ASSIGN_OR_RETURN(const Digest digest, Digest::Parse(row.Text(6)));
  operation.change.pending_file =
      PendingFile{row.Text(5), digest, static_cast<uint64_t>(row.Int(7))};
  operation.create_time_ms = row.Int(8);
  operation.done_time_ms = row.Int(9);
  if (row.Int(10) != 0) {
    operation.error = Status(static_cast<StatusCode>(row.Int(10)), row.Text(11));
  }
  return operation;
}

}  // namespace

Status InsertOperation(SqlConnection& connection, const Operation& operation) {
  const PendingFile& file = *operation.change.pending_file;
  return connection
      .Execute(
          "INSERT INTO operations (operation_id, project_number, model_id, actor, change, "
          "source_uri, sha256, size_bytes, create_time_ms, done_time_ms, error_code, "
          "error_message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '')",
          {operation.id, operation.project_number, operation.model_id, operation.actor,
           ChangeText(operation.change), file.source_uri, file.digest.ToHex(),
           static_cast<int64_t>(file.size_bytes), operation.create_time_ms})
      .status();
}

Status FinishOperation(SqlConnection& connection, const std::string& id, const Status& error,
                       int64_t now_ms) {
  return connection
      .Execute(
          "UPDATE operations SET done_time_ms = $2, error_code = $3, error_message = $4 "
          "WHERE operation_id = $1",
          {id, now_ms, static_cast<int64_t>(error.code()), error.message()})
      .status();
}

Result<std::optional<Operation>> ReadOperation(SqlConnection& connection, int64_t project_number,
                                               std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query(std::string(kSelect) + "WHERE operation_id = $1 AND project_number = $2",
                       {std::string(id), project_number}));
  if (rows.empty()) return std::optional<Operation>();
  GODWIT_ASSIGN_OR_RETURN(Operation operation, OperationFromRow(rows[0]));
  return std::optional<Operation>(std::move(operation));
}

Result<std::vector<Operation>> ReadActiveOperations(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query(std::string(kSelect) +
                       "WHERE done_time_ms = 0 ORDER BY create_time_ms, operation_id"));
  std::vector<Operation> operations;
  for (const SqlRow& row : rows) {
    GODWIT_ASSIGN_OR_RETURN(Operation operation, OperationFromRow(row));
    operations.push_back(std::move(operation));
  }
  return operations;
}

Result<int64_t> DeleteOperationsDoneBefore(SqlConnection& connection, int64_t time_ms) {
  return connection.Execute("DELETE FROM operations WHERE done_time_ms <> 0 AND done_time_ms < $1",
                            {time_ms});
}

}  // namespace godwit::server
