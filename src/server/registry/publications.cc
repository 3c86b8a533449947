#include "server/registry/publications.h"

namespace godwit::server {

Result<std::vector<Publication>> ReadPublications(SqlConnection& connection, const Model& model,
                                                  int64_t before, int limit) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT publication, action, version, previous, actor, time_ms FROM "
                       "publications WHERE project_number = $1 AND model_id = $2 AND "
                       "publication < $3 ORDER BY publication DESC LIMIT $4",
                       {model.project_number, model.id, before, static_cast<int64_t>(limit)}));
  std::vector<Publication> publications;
  for (const SqlRow& row : rows) {
    publications.push_back(
        {row.Int(0), row.Text(1), row.Int(2), row.Int(3), row.Text(4), row.Int(5)});
  }
  return publications;
}

Result<std::optional<Publication>> ReadPublication(SqlConnection& connection, const Model& model,
                                                   int64_t number) {
  if (number == 0) return std::optional<Publication>();
  GODWIT_ASSIGN_OR_RETURN(auto rows, ReadPublications(connection, model, number + 1, 1));
  if (rows.empty() || rows[0].number != number) return std::optional<Publication>();
  return std::optional<Publication>(std::move(rows[0]));
}

Result<std::optional<Publication>> FindRollbackTarget(SqlConnection& connection, const Model& model,
                                                      int64_t number, int64_t version) {
  for (;;) {
    // Each row points to a smaller number, so this ends.
    GODWIT_ASSIGN_OR_RETURN(std::optional<Publication> row,
                            ReadPublication(connection, model, number));
    if (!row) return row;
    const bool wanted = version == 0 || row->version == version;
    if (wanted && row->version != 0 && row->version != model.published &&
        model.FindVersion(row->version) != nullptr) {
      return row;
    }
    number = row->previous;
  }
}

Status AppendPublication(SqlConnection& connection, std::string_view action, int64_t previous,
                         std::string_view actor, int64_t now_ms, Model* model) {
  GODWIT_ASSIGN_OR_RETURN(const std::optional<Publication> target,
                          FindRollbackTarget(connection, *model, previous, 0));
  model->publication += 1;
  GODWIT_RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO publications (project_number, model_id, publication, action, "
                   "version, previous, actor, time_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                   {model->project_number, model->id, model->publication, std::string(action),
                    model->published, target ? target->number : 0, std::string(actor), now_ms})
          .status());
  model->rollback_version = target ? target->version : 0;
  return Status::Ok();
}

}  // namespace godwit::server
