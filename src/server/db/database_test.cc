#include "server/db/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "server/db/sqlite_connection.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

constexpr char kInsertProject[] =
    "INSERT INTO projects (number, id, created_ms) VALUES ($1, $2, $3)";

class DatabaseTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Database>> Open() { return OpenSqliteDatabase(path_, clock_, logger_); }

  static Status Insert(SqlConnection& sql, int64_t number, std::string id) {
    return sql.Execute(kInsertProject, {number, std::move(id), int64_t{1}}).status();
  }
  static int64_t Count(Database& database) {
    int64_t count = -1;
    const Status status = database.Read([&](SqlConnection& sql) -> Status {
      GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, sql.Query("SELECT count(*) FROM projects"));
      count = rows.at(0).Int(0);
      return Status::Ok();
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return count;
  }

  testing::TempDirectory directory_;
  std::string path_ = JoinPath(directory_.path(), "godwit.db");
  testing::ManualClock clock_;
  NullLogger logger_;
};

TEST_F(DatabaseTest, KeepsWhatWasCommittedAndForgetsWhatFailed) {
  {
    const auto database = Open().value();
    ASSERT_TRUE(database->Write([](SqlConnection& sql) { return Insert(sql, 1, "one"); }).ok());
    const Status status = database->Write([](SqlConnection& sql) {
      GODWIT_RETURN_IF_ERROR(Insert(sql, 2, "two"));
      return Status(StatusCode::kAborted, "changed my mind");
    });
    EXPECT_EQ(status.code(), StatusCode::kAborted);
    EXPECT_EQ(Count(*database), 1);
  }
  EXPECT_EQ(Count(*Open().value()), 1);
}

TEST_F(DatabaseTest, GivesEveryTypeBackAsItWas) {
  const auto database = Open().value();
  const Status status = database->Read([](SqlConnection& sql) -> Status {
    // The parameters' numbers count, not their order in the text.
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, sql.Query("SELECT $4, $1, $3, $2, $1",
                                                          {int64_t{-9223372036854775807}, 0.5,
                                                           std::string("a\0b", 3), nullptr}));
    EXPECT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows.at(0).size(), 5u);
    EXPECT_TRUE(rows.at(0).IsNull(0));
    EXPECT_EQ(rows.at(0).Int(0), 0);
    EXPECT_EQ(rows.at(0).Int(1), -9223372036854775807);
    EXPECT_EQ(rows.at(0).Text(2), std::string("a\0b", 3));
    EXPECT_EQ(rows.at(0).Double(3), 0.5);
    EXPECT_EQ(rows.at(0).Int(4), -9223372036854775807);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(DatabaseTest, NamesTheReasonOfAFailure) {
  const auto database = Open().value();
  ASSERT_TRUE(database->Write([](SqlConnection& sql) { return Insert(sql, 1, "one"); }).ok());
  const struct {
    const char* sql;
    std::vector<SqlValue> params;
    StatusCode code;
  } rows[] = {
      {kInsertProject, {int64_t{1}, "other", int64_t{1}}, StatusCode::kAlreadyExists},
      {kInsertProject, {int64_t{2}, "one", int64_t{1}}, StatusCode::kAlreadyExists},
      {kInsertProject, {int64_t{2}, nullptr, int64_t{1}}, StatusCode::kInternal},
      {kInsertProject, {int64_t{2}}, StatusCode::kInternal},
      {"INSERT INTO apps VALUES ('a', 99, 'android', '', 1, '')",
       {},
       StatusCode::kFailedPrecondition},
      {"SELEKT 1", {}, StatusCode::kInternal},
      {"SELECT 1; SELECT 2", {}, StatusCode::kInternal},
      {"", {}, StatusCode::kInternal},
      {"SELECT ?", {int64_t{1}}, StatusCode::kInternal},
  };
  for (const auto& row : rows) {
    const Status status = database->Write(
        [&](SqlConnection& sql) { return sql.Execute(row.sql, row.params).status(); });
    EXPECT_EQ(status.code(), row.code) << row.sql << ": " << status.message();
  }
  EXPECT_EQ(Count(*database), 1);
}

TEST_F(DatabaseTest, CountsChangedRows) {
  const auto database = Open().value();
  const Status status = database->Write([](SqlConnection& sql) {
    EXPECT_TRUE(Insert(sql, 1, "one").ok());
    EXPECT_TRUE(Insert(sql, 2, "two").ok());
    EXPECT_EQ(sql.Execute("UPDATE projects SET created_ms = 5").value(), 2);
    EXPECT_EQ(sql.Execute("UPDATE projects SET created_ms = 6 WHERE number > 9").value(), 0);
    EXPECT_EQ(sql.Execute("DELETE FROM projects WHERE number = $1", {int64_t{2}}).value(), 1);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok());
}

TEST_F(DatabaseTest, AReadCannotWrite) {
  const auto database = Open().value();
  EXPECT_FALSE(database->Read([](SqlConnection& sql) { return Insert(sql, 1, "one"); }).ok());
  EXPECT_EQ(Count(*database), 0);
}

TEST_F(DatabaseTest, ReadersSeeOneSnapshotBesideAWriter) {
  const auto database = Open().value();
  const Status status = database->Read([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(sql.Query("SELECT * FROM projects").status());
    GODWIT_RETURN_IF_ERROR(
        database->Write([](SqlConnection& writer) { return Insert(writer, 1, "one"); }));
    EXPECT_EQ(Count(*database), 1);
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, sql.Query("SELECT * FROM projects"));
    EXPECT_TRUE(rows.empty());
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(DatabaseTest, ManyThreadsWriteAndReadAtOnce) {
  const auto database = Open().value();
  std::vector<std::thread> threads;
  for (int64_t thread = 0; thread < 12; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t i = 0; i < 5; ++i) {
        const int64_t number = thread * 100 + i;
        EXPECT_TRUE(database
                        ->Write([&](SqlConnection& sql) {
                          return Insert(sql, number, "p" + std::to_string(number));
                        })
                        .ok());
        EXPECT_GE(Count(*database), i + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count(*database), 60);
}

TEST_F(DatabaseTest, OnlyItsOwnerMayReadTheFiles) {
  const auto database = Open().value();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(DatabaseTest, LeavesADatabaseOfANewerServerUntouched) {
  const auto fs = NewPosixFileSystem();
  ASSERT_TRUE(Open().ok());
  {
    const auto newer = OpenSqliteDatabase(path_, clock_, logger_).value();
    ASSERT_TRUE(newer
                    ->Write([](SqlConnection& sql) {
                      return sql
                          .Execute("INSERT INTO schema_migrations VALUES (9999, 'next', 'x', 1)")
                          .status();
                    })
                    .ok());
  }
  const std::string before = ReadWholeFile(*fs, path_, 1 << 24).value();
  const auto opened = Open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadWholeFile(*fs, path_, 1 << 24).value(), before);
}

TEST_F(DatabaseTest, SaysThatAFileIsNoDatabase) {
  const auto fs = NewPosixFileSystem();
  ASSERT_TRUE(ReplaceFile(*fs, path_, std::string(8192, 'x')).ok());
  const auto opened = Open();
  EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss);
  EXPECT_NE(opened.status().message().find(path_), std::string::npos);
}

TEST_F(DatabaseTest, SaysWhereItCannotOpen) {
  path_ = JoinPath(directory_.path(), "no/such/folder.db");
  EXPECT_EQ(Open().status().code(), StatusCode::kIo);
}

}  // namespace
}  // namespace godwit::server
