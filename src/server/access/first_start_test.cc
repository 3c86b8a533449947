#include "server/access/first_start.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocol/json.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

using testing::FaultFileSystem;

constexpr char kUrl[] = "http://127.0.0.1:8484";

// What the two files say, checked against the server.
void ExpectFilesOpenTheServer(FileSystem& fs, const FirstStart& start, const AccessStore& store) {
  const auto admin_text = ReadWholeFile(fs, start.admin_path, 1 << 16);
  const auto app_text = ReadWholeFile(fs, start.app_path, 1 << 16);
  ASSERT_TRUE(admin_text.ok() && app_text.ok());
  const Json admin = Json::Parse(*admin_text).value();
  const Json app = Json::Parse(*app_text).value();
  EXPECT_EQ(admin["type"].AsString(), "service_account");
  EXPECT_EQ(admin["project_id"].AsString(), "godwit");
  EXPECT_EQ(admin["token_uri"].AsString(), std::string(kUrl) + "/token");
  EXPECT_EQ(app["project_id"].AsString(), "godwit");
  EXPECT_EQ(app["server_url"].AsString(), kUrl);

  const auto snapshot = store.snapshot();
  const ApiKey* const key = snapshot->FindApiKey(app["api_key"].AsString());
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->app_id, app["app_id"].AsString());
  EXPECT_EQ(key->project_number, app["project_number"].AsInt());
  EXPECT_EQ(snapshot->projects().size(), 1u);
  EXPECT_EQ(snapshot->apps().size(), 1u);
}

TEST(FirstStart, MakesAProjectAndTwoFilesForItsOwnerAlone) {
  const testing::TempDirectory directory;
  const testing::ManualClock clock;
  NullLogger logger;
  const auto fs = NewPosixFileSystem();
  const auto database =
      OpenSqliteDatabase(JoinPath(directory.path(), "godwit.db"), clock, logger).value();
  const auto store = AccessStore::Open(*database, clock, kUrl).value();
  const FirstStart start = SetUpOnFirstStart(*store, *database, *fs, directory.path()).value();
  EXPECT_TRUE(start.created);
  EXPECT_EQ(start.admin_path, directory.path() + "/credentials/admin.json");
  ExpectFilesOpenTheServer(*fs, start, *store);
  for (const std::string& path : {start.admin_path, start.app_path}) {
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
}

TEST(FirstStart, HappensOnceAlsoWhenTheOwnerMovedTheFilesAway) {
  FaultFileSystem fs;
  const testing::ManualClock clock;
  NullLogger logger;
  ASSERT_TRUE(fs.CreateDirectories("data").ok());
  const auto database = OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger).value();
  const auto store = AccessStore::Open(*database, clock, kUrl).value();
  const FirstStart start = SetUpOnFirstStart(*store, *database, fs, "data").value();
  ASSERT_TRUE(fs.Remove(start.admin_path).ok());
  const FirstStart again = SetUpOnFirstStart(*store, *database, fs, "data").value();
  EXPECT_FALSE(again.created);
  EXPECT_FALSE(fs.Stat(start.admin_path).ok());
  EXPECT_EQ(store->snapshot()->projects().size(), 1u);
}

// Aim: a first start that dies at any disk operation is made anew by the next one.
// Method: each operation of the set-up is made the last; then the power fails.
TEST(FirstStart, IsMadeAnewAfterACrashAtAnyOperation) {
  const testing::ManualClock clock;
  NullLogger logger;
  // Making a key takes a tenth of a second; one serves all the starts.
  const std::string pem = RsaKey::Generate().value().PrivatePem();
  const auto make_key = [&] { return RsaKey::FromPrivatePem(pem); };
  for (const auto mode : {testing::PowerLossMode::kDropped, testing::PowerLossMode::kReordered}) {
    bool reached = true;
    for (uint64_t operation = 0; reached && !::testing::Test::HasFailure(); ++operation) {
      SCOPED_TRACE(testing::PowerLossModeName(mode) + (" operation " + std::to_string(operation)));
      FaultFileSystem fs;
      ASSERT_TRUE(fs.CreateDirectories("data").ok());
      ASSERT_TRUE(fs.SyncDirectory("/").ok());
      bool acknowledged = false;
      {
        const auto database = OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger).value();
        const auto store = AccessStore::Open(*database, clock, kUrl).value();
        fs.CrashAt(operation);
        acknowledged = SetUpOnFirstStart(*store, *database, fs, "data", make_key).ok();
        reached = fs.crashed();
      }
      fs.PowerLoss(mode, operation);
      const auto database = OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger).value();
      const auto store = AccessStore::Open(*database, clock, kUrl).value();
      const auto start = SetUpOnFirstStart(*store, *database, fs, "data", make_key);
      ASSERT_TRUE(start.ok()) << start.status().message();
      EXPECT_FALSE(acknowledged && start->created);
      ExpectFilesOpenTheServer(fs, *start, *store);
    }
  }
}

}  // namespace
}  // namespace godwit::server
