#include "server/access/service_accounts.h"

#include "server/access/access_fixture.h"
#include "server/access/first_start.h"
#include "testing/fault_file_system.h"

namespace godwit::server {
namespace {

using ServiceAccountsTest = AccessFixture;

TEST_F(ServiceAccountsTest, AKeyFileIsGooglesForm) {
  const ServiceAccount account = accounts_.Create(owner_, "deployer", "CI", Role::kEditor).value();
  EXPECT_EQ(account.email, "deployer@my-project.iam.gserviceaccount.com");
  const NewAccountKey key = accounts_.CreateKey(owner_, account.email).value();
  const Json file = Json::Parse(key.key_file_json).value();
  EXPECT_EQ(file["type"].AsString(), "service_account");
  EXPECT_EQ(file["project_id"].AsString(), "my-project");
  EXPECT_EQ(file["token_uri"].AsString(), "http://127.0.0.1:8484/token");
  EXPECT_EQ(file["client_email"].AsString(), account.email);
  EXPECT_EQ(file["private_key_id"].AsString(), key.id);
  EXPECT_EQ(file["client_id"].AsString(), account.client_id);
  const ServiceAccount found = accounts_.Find(owner_, account.email).value();
  EXPECT_EQ(found.display_name, "CI");
  EXPECT_EQ(found.role, Role::kEditor);
}

TEST_F(ServiceAccountsTest, RefuseWrongAndTakenNames) {
  ASSERT_TRUE(accounts_.Create(owner_, "deployer", "", Role::kEditor).ok());
  EXPECT_EQ(accounts_.Create(owner_, "deployer", "", Role::kEditor).status().code(),
            StatusCode::kAlreadyExists);
  for (const char* name : {"", "short", "With-Upper", "a@b.example"}) {
    EXPECT_EQ(accounts_.Create(owner_, name, "", Role::kEditor).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(accounts_.CreateKey(owner_, "nobody@x").status().code(), StatusCode::kNotFound);
}

TEST_F(ServiceAccountsTest, ADeletedAccountsTokensStopAtOnce) {
  const ServiceAccount account = accounts_.Create(owner_, "deployer", "", Role::kEditor).value();
  const NewAccountKey key = accounts_.CreateKey(owner_, account.email).value();
  const auto token = store_->ExchangeJwt(TokenRequest(key.key_file_json), &error_);
  ASSERT_TRUE(token && store_->FindAccessToken(token->token).ok());
  ASSERT_TRUE(accounts_.Create(owner_, "second-owner", "", Role::kOwner).ok());
  ASSERT_TRUE(accounts_.Delete(owner_, account.email).ok());
  EXPECT_EQ(store_->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
  EXPECT_FALSE(store_->ExchangeJwt(TokenRequest(key.key_file_json), &error_));
  EXPECT_EQ(error_.error, "invalid_grant");
}

TEST_F(ServiceAccountsTest, ARotatedKeyTakesItsOwnTokensAlone) {
  const ServiceAccount account = accounts_.Create(owner_, "deployer", "", Role::kEditor).value();
  const NewAccountKey old_key = accounts_.CreateKey(owner_, account.email).value();
  clock_.Advance(1000);
  const NewAccountKey new_key = accounts_.CreateKey(owner_, account.email).value();
  const auto old_token = store_->ExchangeJwt(TokenRequest(old_key.key_file_json), &error_);
  const auto new_token = store_->ExchangeJwt(TokenRequest(new_key.key_file_json), &error_);
  ASSERT_TRUE(old_token && new_token);
  ASSERT_TRUE(store_->FindAccessToken(old_token->token).ok());
  EXPECT_EQ(accounts_.ListKeys(owner_, account.email).value().size(), 2u);

  ASSERT_TRUE(accounts_.DeleteKey(owner_, account.email, old_key.id).ok());
  EXPECT_EQ(store_->FindAccessToken(old_token->token).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_TRUE(store_->FindAccessToken(new_token->token).ok());
  EXPECT_FALSE(store_->ExchangeJwt(TokenRequest(old_key.key_file_json), &error_));
  EXPECT_TRUE(store_->ExchangeJwt(TokenRequest(new_key.key_file_json), &error_));
  EXPECT_EQ(store_->PublicKeysOf(account.email).value().key_ids,
            std::vector<std::string>{new_key.id});
  EXPECT_EQ(accounts_.DeleteKey(owner_, account.email, old_key.id).code(), StatusCode::kNotFound);
}

TEST_F(ServiceAccountsTest, NobodyReachesAboveHisOwnRole) {
  const ServiceAccount top = accounts_.Create(owner_, "top-owner", "", Role::kOwner).value();
  const Principal admin = By(project_, Role::kAdmin);
  EXPECT_TRUE(accounts_.Create(admin, "admin-two", "", Role::kAdmin).ok());
  EXPECT_EQ(accounts_.Create(admin, "owner-two", "", Role::kOwner).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(accounts_.CreateKey(admin, top.email).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(accounts_.Delete(admin, top.email).code(), StatusCode::kPermissionDenied);
  const NewAccountKey key = accounts_.CreateKey(owner_, top.email).value();
  EXPECT_EQ(accounts_.DeleteKey(admin, top.email, key.id).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(accounts_.Delete(owner_, top.email).code(), StatusCode::kFailedPrecondition)
      << "the last owner stays";
  const Principal stranger =
      By(projects_.Create(owner_, "other-project", "").value(), Role::kOwner);
  EXPECT_EQ(accounts_.Delete(stranger, top.email).code(), StatusCode::kNotFound);
}

TEST_F(ServiceAccountsTest, ANewOwnersKeyWorksOnlyIfItsFileIsKept) {
  const auto failed = CreateOwner(
      *store_, [](const std::string&) { return Status(StatusCode::kNotEnoughSpace, "full"); });
  EXPECT_EQ(failed.status().code(), StatusCode::kNotEnoughSpace);
  EXPECT_TRUE(accounts_.List(owner_, "", 10).value().empty());
  std::string kept;
  const auto account = CreateOwner(*store_, [&](const std::string& json) {
    kept = json;
    return Status::Ok();
  });
  ASSERT_TRUE(account.ok()) << account.status().message();
  const auto token = store_->ExchangeJwt(TokenRequest(kept), &error_);
  ASSERT_TRUE(token) << error_.description;
  EXPECT_EQ(store_->FindAccessToken(token->token).value().role, Role::kOwner);
}

// Aim: after a crash at any instant there is no valid key that no file holds, and one that was
// acknowledged works. Method: each disk operation is made the last; then the power fails.
TEST(CreateOwner, LeavesNoKeyWithoutItsFileAfterACrash) {
  const testing::ManualClock clock;
  NullLogger logger;
  // Making a key takes a tenth of a second; one serves all the rounds.
  const std::string pem = RsaKey::Generate().value().PrivatePem();
  const auto make_key = [&] { return RsaKey::FromPrivatePem(pem); };
  bool reached = true;
  for (uint64_t operation = 0; reached && !::testing::Test::HasFailure(); ++operation) {
    SCOPED_TRACE(operation);
    testing::FaultFileSystem fs;
    ASSERT_TRUE(fs.CreateDirectories("data").ok());
    ASSERT_TRUE(fs.SyncDirectory("/").ok());
    bool acknowledged = false;
    {
      const auto database = OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger).value();
      const auto store = AccessStore::Open(*database, clock, "http://x").value();
      ASSERT_TRUE(SetUpOnFirstStart(*store, *database, fs, "data", make_key).ok());
      fs.CrashAt(operation);
      const auto keep = [&](const std::string& json) {
        return ReplaceFile(fs, "data/new.json", json);
      };
      acknowledged = CreateOwner(*store, keep, make_key).ok();
      reached = fs.crashed();
    }
    fs.PowerLoss(testing::PowerLossMode::kReordered, operation);
    const auto database = OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger).value();
    const auto store = AccessStore::Open(*database, clock, "http://x").value();
    const Principal by{store->snapshot()->projects().at(0).number, "x", 0, Role::kOwner};
    ServiceAccounts accounts(*store);
    const std::vector<ServiceAccount> listed = accounts.List(by, "", 10).value();
    EXPECT_TRUE(listed.size() == 2 || !acknowledged);
    for (const ServiceAccount& account : listed) {
      if (account.email.starts_with("godwit-admin@")) continue;
      const auto file = ReadWholeFile(fs, "data/new.json", 1 << 16);
      ASSERT_TRUE(file.ok());
      const Json json = Json::Parse(*file).value();
      EXPECT_EQ(json["client_email"].AsString(), account.email);
      EXPECT_EQ(json["private_key_id"].AsString(),
                accounts.ListKeys(by, account.email).value().at(0).id);
    }
  }
}

}  // namespace
}  // namespace godwit::server
