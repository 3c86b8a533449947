// Aim: nothing acknowledged is lost and nothing is half-visible, whenever the power fails.
// Method: a series of write transactions on the fault file system is killed at every one of its
// disk operations, unsynced data is kept, dropped, torn or reordered, and the database is opened
// again. Each transaction changes two tables and moves a counter, so a half shows.
#include <gtest/gtest.h>

#include <random>

#include "server/db/database.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

using testing::FaultFileSystem;
using testing::PowerLossMode;

constexpr char kPath[] = "data/godwit.db";
constexpr int64_t kTransactions = 4;

// The n-th transaction: project n and its app; the name fills some pages.
Status Transact(SqlConnection& sql, int64_t n) {
  const std::string id = "project-" + std::to_string(n);
  GODWIT_RETURN_IF_ERROR(sql.Execute("INSERT INTO projects (number, id, created_ms) "
                                     "VALUES ($1, $2, $1)",
                                     {n, id})
                             .status());
  GODWIT_RETURN_IF_ERROR(
      sql.Execute("INSERT INTO apps (app_id, project_number, platform, display_name, created_ms) "
                  "VALUES ($1, $2, 'android', $3, $2)",
                  {id, n, std::string(6000, static_cast<char>('a' + n))})
          .status());
  return sql.Execute("UPDATE projects SET created_ms = $1", {n}).status();
}

// How many transactions are visible; fails the test when one is so in part.
int64_t CountWhole(Database& database) {
  int64_t count = -1;
  const Status status = database.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows check, sql.Query("PRAGMA integrity_check"));
    EXPECT_EQ(check.at(0).Text(0), "ok");
    GODWIT_ASSIGN_OR_RETURN(const SqlRows projects,
                            sql.Query("SELECT number, created_ms FROM projects ORDER BY number"));
    GODWIT_ASSIGN_OR_RETURN(const SqlRows apps,
                            sql.Query("SELECT project_number, display_name FROM apps "
                                      "ORDER BY project_number"));
    count = static_cast<int64_t>(projects.size());
    EXPECT_EQ(apps.size(), projects.size());
    for (size_t i = 0; i < projects.size() && i < apps.size(); ++i) {
      EXPECT_EQ(projects[i].Int(0), static_cast<int64_t>(i) + 1);
      EXPECT_EQ(projects[i].Int(1), count);
      EXPECT_EQ(apps[i].Int(0), static_cast<int64_t>(i) + 1);
      EXPECT_EQ(apps[i].Text(1), std::string(6000, static_cast<char>('b' + i)));
    }
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return count;
}

class CrashTest : public ::testing::TestWithParam<PowerLossMode> {
 protected:
  Result<std::unique_ptr<Database>> Open(FaultFileSystem& fs) {
    return OpenSqliteDatabaseOn(fs, kPath, clock_, logger_);
  }

  // Opens the database, transacts until the disk dies, closes; the number acknowledged.
  int64_t Live(FaultFileSystem& fs) {
    const auto database = Open(fs);
    if (!database.ok()) return 0;
    for (int64_t n = 1; n <= kTransactions; ++n) {
      const Status status =
          (*database)->Write([&](SqlConnection& sql) { return Transact(sql, n); });
      if (!status.ok()) return n - 1;
    }
    return kTransactions;
  }

  testing::ManualClock clock_;
  NullLogger logger_;
};

TEST_P(CrashTest, EveryAcknowledgedTransactionSurvivesAtEveryOperation) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  uint64_t instants = 0;
  for (bool reached = true; reached && !HasFailure(); ++instants) {
    SCOPED_TRACE("operation " + std::to_string(instants));
    FaultFileSystem fs;
    ASSERT_TRUE(fs.CreateDirectories("data").ok());
    ASSERT_TRUE(fs.SyncDirectory("/").ok());
    fs.CrashAt(instants);
    const int64_t acknowledged = Live(fs);
    reached = fs.crashed();
    fs.PowerLoss(GetParam(), seed + instants);

    const auto database = Open(fs);
    ASSERT_TRUE(database.ok()) << database.status().message();
    const int64_t visible = CountWhole(**database);
    EXPECT_GE(visible, acknowledged);
    EXPECT_LE(visible, acknowledged + 1);
    EXPECT_TRUE(
        (*database)->Write([&](SqlConnection& sql) { return Transact(sql, visible + 1); }).ok());
    EXPECT_EQ(CountWhole(**database), visible + 1);
  }
  EXPECT_GT(instants, 50u);  // Else the series was killed nowhere interesting.
}

INSTANTIATE_TEST_SUITE_P(Modes, CrashTest, ::testing::ValuesIn(testing::kAllPowerLossModes),
                         [](const auto& mode) {
                           return std::string(testing::PowerLossModeName(mode.param));
                         });

TEST_F(CrashTest, AFullDiskRefusesAWriteAndLosesNothing) {
  FaultFileSystem fs;
  ASSERT_TRUE(fs.CreateDirectories("data").ok());
  const auto database = Open(fs).value();
  ASSERT_TRUE(database->Write([](SqlConnection& sql) { return Transact(sql, 1); }).ok());
  fs.SetFreeBytes(5000);
  const Status status = database->Write([](SqlConnection& sql) { return Transact(sql, 2); });
  EXPECT_EQ(status.code(), StatusCode::kNotEnoughSpace) << status.message();
  EXPECT_EQ(CountWhole(*database), 1);
  fs.SetFreeBytes(std::nullopt);
  EXPECT_TRUE(database->Write([](SqlConnection& sql) { return Transact(sql, 2); }).ok());
  EXPECT_EQ(CountWhole(*database), 2);
}

}  // namespace
}  // namespace godwit::server
