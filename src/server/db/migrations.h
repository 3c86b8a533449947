// Migrations: the numbered steps from an empty database to the newest schema.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "server/db/sqlite_connection.h"

namespace godwit::server {

struct Migration {
  std::string_view name;  // "0001_access": the file's name; numbers count from 1 without gaps.
  std::string_view sql;
};

// Those of server/db/migrations, in order.
std::span<const Migration> BuiltInMigrations();

// Applies what is missing, each in a transaction of its own. kFailedPrecondition, with nothing
// changed, when the database has steps that `migrations` lacks (a newer godwit wrote it) or
// whose text was another one.
Status Migrate(SqliteConnection& connection, std::span<const Migration> migrations,
               const Clock& clock, Logger& logger);

// As Migrate's refusal, without applying anything: for looking before touching.
Status CheckMigrations(SqliteConnection& connection, std::span<const Migration> migrations);

}  // namespace godwit::server
