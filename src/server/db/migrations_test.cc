#include "server/db/migrations.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "fs/file_system.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

class MigrationsTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteConnection> Open(const std::string& name) {
    return SqliteConnection::Open(JoinPath(directory_.path(), name), nullptr,
                                  SqliteConnection::Locking::kShared)
        .value();
  }
  Status Run(SqliteConnection& connection, std::span<const Migration> migrations) {
    return Migrate(connection, migrations, clock_, logger_);
  }

  testing::TempDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  testing::ManualClock clock_;
  NullLogger logger_;
};

constexpr Migration kSteps[] = {{"0001_one",
                                 "CREATE TABLE one (a TEXT); INSERT INTO one VALUES "
                                 "('kept')"},
                                {"0002_two", "ALTER TABLE one ADD COLUMN b BIGINT"},
                                {"0003_three", "CREATE TABLE three (c TEXT)"}};
constexpr std::span<const Migration> kAll(kSteps);

TEST_F(MigrationsTest, ApplyOnlyWhatIsMissing) {
  const auto connection = Open("db");
  ASSERT_TRUE(Run(*connection, kAll.first(1)).ok());
  ASSERT_TRUE(Run(*connection, kAll).ok());
  ASSERT_TRUE(Run(*connection, kAll).ok());
  const SqlRows rows = connection->Query("SELECT a, b FROM one").value();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].Text(0), "kept");
  EXPECT_TRUE(rows[0].IsNull(1));
  EXPECT_EQ(connection->Query("SELECT number FROM schema_migrations").value().size(), 3u);
}

TEST_F(MigrationsTest, RefuseADatabaseOfANewerServer) {
  const auto connection = Open("db");
  ASSERT_TRUE(Run(*connection, kAll).ok());
  const Status status = Run(*connection, kAll.first(2));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer"), std::string::npos);
}

TEST_F(MigrationsTest, RefuseAStepWhoseTextChanged) {
  const auto connection = Open("db");
  ASSERT_TRUE(Run(*connection, kAll.first(2)).ok());
  const Migration changed[] = {
      kSteps[0], {"0002_two", "ALTER TABLE one ADD COLUMN b TEXT"}, kSteps[2]};
  EXPECT_EQ(Run(*connection, changed).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(connection->Query("SELECT * FROM sqlite_master WHERE name='three'")->empty());
}

TEST_F(MigrationsTest, AStepThatFailsLeavesNothingBehind) {
  const auto connection = Open("db");
  const Migration broken[] = {kSteps[0],
                              {"0002_two", "CREATE TABLE two (a TEXT); CREATE nonsense"}};
  EXPECT_EQ(Run(*connection, broken).code(), StatusCode::kInternal);
  EXPECT_TRUE(connection->Query("SELECT * FROM sqlite_master WHERE name='two'")->empty());
  EXPECT_TRUE(Run(*connection, kAll).ok());
}

TEST_F(MigrationsTest, MakeTheFirstAccountOfAnOlderServerItsOwner) {
  const auto connection = Open("db");
  ASSERT_TRUE(Run(*connection, BuiltInMigrations().first(3)).ok());
  ASSERT_TRUE(connection
                  ->RunScript("INSERT INTO projects VALUES (7, 'godwit', 1);"
                              "INSERT INTO service_accounts VALUES ('b@x', 7, '1', 1);"
                              "INSERT INTO service_accounts VALUES ('a@x', 7, '2', 2);"
                              "INSERT INTO api_keys VALUES ('hash', 'id', 7, '', 3);")
                  .ok());
  ASSERT_TRUE(Run(*connection, BuiltInMigrations()).ok());
  const SqlRows roles =
      connection->Query("SELECT role FROM service_accounts ORDER BY email DESC").value();
  EXPECT_EQ(roles.at(0).Text(0), "owner");
  EXPECT_EQ(roles.at(1).Text(0), "admin");
  const SqlRows keys = connection->Query("SELECT restrictions, updated_ms FROM api_keys").value();
  EXPECT_EQ(keys.at(0).Text(0), "{}");
  EXPECT_EQ(keys.at(0).Int(1), 3);
}

TEST_F(MigrationsTest, AreNumberedWithoutGaps) {
  size_t number = 0;
  for (const Migration& migration : BuiltInMigrations()) {
    const std::string digits = std::to_string(++number);
    EXPECT_TRUE(migration.name.starts_with(std::string(4 - digits.size(), '0') + digits + "_"))
        << migration.name;
  }
  EXPECT_GT(number, 0u);
}

// schema.sql is for people: all the tables as they are now, in one place.
TEST_F(MigrationsTest, EndInTheSchemaThatSchemaSqlShows) {
  const auto connection = Open("db");
  ASSERT_TRUE(Run(*connection, BuiltInMigrations()).ok());
  std::string schema =
      "-- The schema after all migrations; made by server_db_test, never edited by hand.\n";
  const SqlRows objects = connection
                              ->Query(
                                  "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
                                  "AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name")
                              .value();
  for (const SqlRow& row : objects) {
    schema += "\n" + row.Text(0) + ";\n";
  }
  if (std::getenv("GODWIT_WRITE_SCHEMA") != nullptr) {
    ASSERT_TRUE(ReplaceFile(*fs_, GODWIT_SCHEMA_FILE, schema).ok());
  }
  const auto shown = ReadWholeFile(*fs_, GODWIT_SCHEMA_FILE, 1 << 20);
  ASSERT_TRUE(shown.ok()) << shown.status().message();
  EXPECT_EQ(*shown, schema) << "to write it anew, run this test with GODWIT_WRITE_SCHEMA=1";
}

}  // namespace
}  // namespace godwit::server
