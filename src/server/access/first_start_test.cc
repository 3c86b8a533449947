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

constexpr char kNewUrl[] = "https://models.example.org";

TEST(FirstStart, PutsTheServersNewAddressIntoItsFilesAndChangesNothingElse) {
  const testing::TempDirectory directory;
  const auto fs = NewPosixFileSystem();
  FirstStart paths;
  paths.admin_path = directory.path() + "/admin.json";
  paths.app_path = directory.path() + "/app.json";
  const auto admin = [](const std::string& url) {
    return "{\n  \"private_key\": \"a\\nb\",\n  \"auth_uri\": \"" + url +
           "/o/oauth2/auth\",\n  \"token_uri\": \"" + url + "/token\"\n}\n";
  };
  const auto app = [](const std::string& url) {
    return "{\n  \"project_number\": 5,\n  \"api_key\": \"k\",\n  \"server_url\": \"" + url +
           "\"\n}\n";
  };
  const std::string google = R"({"auth_uri": "https://accounts.google.com/o/oauth2/auth",
      "token_uri": "https://oauth2.googleapis.com/token"})";
  const struct {
    const char* what;
    std::string admin, app, admin_after, app_after;
  } rows[] = {
      {"another address", admin(kUrl), app(kUrl), admin(kNewUrl), app(kNewUrl)},
      {"the same", admin(kNewUrl), app(kNewUrl), admin(kNewUrl), app(kNewUrl)},
      {"a crash between the two", admin(kNewUrl), app(kUrl), admin(kNewUrl), app(kNewUrl)},
      {"not ours", google, "[]", google, "[]"},
      {"no JSON", "secret", "", "secret", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    ASSERT_TRUE(ReplaceFile(*fs, paths.admin_path, row.admin).ok());
    ASSERT_TRUE(ReplaceFile(*fs, paths.app_path, row.app).ok());
    ASSERT_TRUE(UpdateCredentialAddresses(*fs, paths, kNewUrl).ok());
    EXPECT_EQ(ReadWholeFile(*fs, paths.admin_path, 1 << 16).value(), row.admin_after);
    EXPECT_EQ(ReadWholeFile(*fs, paths.app_path, 1 << 16).value(), row.app_after);
    struct stat info{};
    ASSERT_EQ(::stat(paths.admin_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  ASSERT_TRUE(fs->Remove(paths.admin_path).ok() && fs->Remove(paths.app_path).ok());
  EXPECT_TRUE(UpdateCredentialAddresses(*fs, paths, kNewUrl).ok());
  EXPECT_FALSE(fs->Stat(paths.admin_path).ok() || fs->Stat(paths.app_path).ok());
}

// Aim: a power cut while the address is changed leaves both files whole, and the next start
// completes the change. Method: each disk operation of it is made the last.
TEST(FirstStart, ANewAddressSurvivesACrashAtAnyOperation) {
  const FirstStart paths{false, "data/admin.json", "data/app.json"};
  const auto key_file = [](const std::string& url) {
    return Json().Set("auth_uri", url + "/o/oauth2/auth").Set("token_uri", url + "/token");
  };
  const auto app_file = [](const std::string& url) { return Json().Set("server_url", url); };
  for (const auto mode : testing::kAllPowerLossModes) {
    bool reached = true;
    for (uint64_t operation = 0; reached && !HasFailure(); ++operation) {
      SCOPED_TRACE(testing::PowerLossModeName(mode) + (" operation " + std::to_string(operation)));
      FaultFileSystem fs;
      ASSERT_TRUE(CreateDirectoriesDurably(fs, "data").ok());
      ASSERT_TRUE(ReplaceFile(fs, paths.admin_path, key_file(kUrl).Serialize()).ok());
      ASSERT_TRUE(ReplaceFile(fs, paths.app_path, app_file(kUrl).Serialize()).ok());
      fs.CrashAt(operation);
      const bool acknowledged = UpdateCredentialAddresses(fs, paths, kNewUrl).ok();
      reached = fs.crashed();
      fs.PowerLoss(mode, operation);
      for (const bool again : {false, true}) {
        if (again) {
          ASSERT_TRUE(UpdateCredentialAddresses(fs, paths, kNewUrl).ok());
        }
        const Json admin = Json::Parse(ReadWholeFile(fs, paths.admin_path, 999).value()).value();
        const Json app = Json::Parse(ReadWholeFile(fs, paths.app_path, 999).value()).value();
        if (acknowledged || again) {
          EXPECT_TRUE(admin == key_file(kNewUrl) && app == app_file(kNewUrl));
        } else {
          EXPECT_TRUE(admin == key_file(kUrl) || admin == key_file(kNewUrl));
          EXPECT_TRUE(app == app_file(kUrl) || app == app_file(kNewUrl));
        }
      }
    }
  }
}

}  // namespace
}  // namespace godwit::server
