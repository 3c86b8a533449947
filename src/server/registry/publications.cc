#include "server/registry/publications.h"

namespace godwit::server {

namespace {

// where: more conditions.
Result<std::vector<Publication>> Select(SqlConnection& connection, const Model& model,
                                        int64_t before, int limit, const std::string& where) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT publication, action, version, previous, actor, time_ms, reason FROM "
                       "publications WHERE project_number = $1 AND model_id = $2 AND "
                       "publication < $3" +
                           where + " ORDER BY publication DESC LIMIT $4",
                       {model.project_number, model.id, before, static_cast<int64_t>(limit)}));
  std::vector<Publication> publications;
  for (const SqlRow& row : rows) {
    publications.push_back(
        {row.Int(0), row.Text(1), row.Int(2), row.Int(3), row.Text(4), row.Int(5), row.Text(6)});
  }
  return publications;
}

}  // namespace

Result<std::vector<Publication>> ReadPublications(SqlConnection& connection, const Model& model,
                                                  int64_t before, int limit) {
  return Select(connection, model, before, limit, "");
}

Result<std::vector<Publication>> ReadMoves(SqlConnection& connection, const Model& model,
                                           int limit) {
  return Select(connection, model, model.publication + 1, limit,
                " AND action NOT IN ('revoke', 'unrevoke')");
}

Result<std::optional<Publication>> ReadPublication(SqlConnection& connection, const Model& model,
                                                   int64_t number) {
  if (number == 0) return std::optional<Publication>();
  GODWIT_ASSIGN_OR_RETURN(auto rows, ReadPublications(connection, model, number + 1, 1));
  if (rows.empty() || rows[0].number != number) return std::optional<Publication>();
  return std::optional<Publication>(std::move(rows[0]));
}

namespace {

bool MovesPublished(const Publication& row) {
  return row.action != "revoke" && row.action != "unrevoke";
}

Status InsertPublication(SqlConnection& connection, const Publication& row, const Model& model) {
  return connection
      .Execute(
          "INSERT INTO publications (project_number, model_id, publication, action, version, "
          "previous, actor, time_ms, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
          {model.project_number, model.id, row.number, row.action, row.version, row.previous,
           row.actor, row.time_ms, row.reason})
      .status();
}

// From the row `number` down the stack: the first that gave devices another version than the
// model's published one, one that is still kept, and one that `accepts`.
template <typename Accepts>
Result<std::optional<Publication>> WalkDown(SqlConnection& connection, const Model& model,
                                            int64_t number, Accepts accepts) {
  for (;;) {
    // Each row points to a smaller number, so this ends.
    GODWIT_ASSIGN_OR_RETURN(std::optional<Publication> row,
                            ReadPublication(connection, model, number));
    if (!row) return row;
    const Version* kept = model.FindVersion(row->version);
    if (MovesPublished(*row) && row->version != model.published && kept != nullptr &&
        accepts(*kept)) {
      return row;
    }
    number = row->previous;
  }
}

}  // namespace

Result<std::optional<Publication>> FindRollbackTarget(SqlConnection& connection, const Model& model,
                                                      int64_t number, int64_t version) {
  return WalkDown(connection, model, number, [&](const Version& kept) {
    return (version == 0 || kept.number == version) && model.FindRevoked(kept.digest) == nullptr;
  });
}

Status AppendPublication(SqlConnection& connection, std::string_view action, int64_t previous,
                         std::string_view actor, int64_t now_ms, Model* model) {
  GODWIT_ASSIGN_OR_RETURN(
      const std::optional<Publication> below,
      WalkDown(connection, *model, previous, [](const Version&) { return true; }));
  const int64_t link = below ? below->number : 0;
  GODWIT_ASSIGN_OR_RETURN(const std::optional<Publication> target,
                          FindRollbackTarget(connection, *model, link, 0));
  model->publication += 1;
  GODWIT_RETURN_IF_ERROR(InsertPublication(connection,
                                           {model->publication, std::string(action),
                                            model->published, link, std::string(actor), now_ms, ""},
                                           *model));
  model->rollback_version = target ? target->version : 0;
  return Status::Ok();
}

Status AppendRevocation(SqlConnection& connection, std::string_view action, const Version& version,
                        std::string_view actor, int64_t now_ms, Model* model) {
  const int64_t previous = model->publication;
  GODWIT_ASSIGN_OR_RETURN(const std::optional<Publication> target,
                          FindRollbackTarget(connection, *model, previous, 0));
  model->publication += 1;
  model->rollback_version = target ? target->version : 0;
  return InsertPublication(
      connection,
      {model->publication, std::string(action), version.number, previous, std::string(actor),
       now_ms, version.revocation ? version.revocation->reason : ""},
      *model);
}

}  // namespace godwit::server
