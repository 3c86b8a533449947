#include "server/db/migrations.h"

#include "digest/digest.h"

namespace godwit::server {
namespace {

constexpr char kCreateTable[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, "
    "applied_ms BIGINT NOT NULL)";

// How many migrations the database has, after checking that they are the first ones of ours.
Result<size_t> CountApplied(SqliteConnection& connection, std::span<const Migration> migrations) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows tables,
      connection.Query("SELECT name FROM sqlite_master WHERE name = 'schema_migrations'"));
  if (tables.empty()) return size_t{0};
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT number, name, sha256 FROM schema_migrations ORDER BY number"));
  if (rows.size() > migrations.size()) {
    return Status(StatusCode::kFailedPrecondition,
                  "the database was written by a newer godwitd (its schema is number " +
                      std::to_string(rows.size()) + ", this program knows " +
                      std::to_string(migrations.size()) +
                      "); nothing was changed; start that version or a newer one");
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].Int(0) != static_cast<int64_t>(i + 1) ||
        rows[i].Text(2) != DigestOf(migrations[i].sql).ToHex()) {
      return Status(StatusCode::kFailedPrecondition,
                    "the database's schema step " + rows[i].Text(1) +
                        " is not the one that this godwitd knows; nothing was changed; start the "
                        "version that wrote the database, or restore a backup");
    }
  }
  return rows.size();
}

Status Apply(SqliteConnection& connection, size_t number, const Migration& migration,
             const Clock& clock) {
  GODWIT_RETURN_IF_ERROR(connection.RunScript(std::string(migration.sql)));
  return connection
      .Execute(
          "INSERT INTO schema_migrations (number, name, sha256, applied_ms) "
          "VALUES ($1, $2, $3, $4)",
          {static_cast<int64_t>(number), std::string(migration.name),
           DigestOf(migration.sql).ToHex(), clock.NowMs()})
      .status();
}

}  // namespace

Status CheckMigrations(SqliteConnection& connection, std::span<const Migration> migrations) {
  return CountApplied(connection, migrations).status();
}

Status Migrate(SqliteConnection& connection, std::span<const Migration> migrations,
               const Clock& clock, Logger& logger) {
  GODWIT_ASSIGN_OR_RETURN(const size_t applied, CountApplied(connection, migrations));
  for (size_t i = applied; i < migrations.size(); ++i) {
    const Status status = connection.InTransaction("BEGIN IMMEDIATE", [&](SqlConnection&) {
      GODWIT_RETURN_IF_ERROR(connection.RunScript(kCreateTable));
      return Apply(connection, i + 1, migrations[i], clock);
    });
    GODWIT_RETURN_IF_ERROR(
        status.WithContext("migrate the database to " + std::string(migrations[i].name)));
    logger.Info("migrated the database", {{"step", migrations[i].name}});
  }
  return Status::Ok();
}

}  // namespace godwit::server
