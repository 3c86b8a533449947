#include "server/installations/installations.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

constexpr char kFid[] = "cAbcdefghijklmnopqrst_";

class InstallationsTest : public ::testing::Test {
 protected:
  CreateInstallationRequest Request(std::string fid = kFid) {
    return {"godwit", key_.key, std::move(fid), app_.id, "a:19.0.1"};
  }
  TokenCheck Check(const InstallationToken& token, InstallationClaims* claims) {
    return access_->snapshot()->VerifyInstallationToken(token.token, clock_.NowMs(), claims);
  }
  StatusCode Generate(std::string_view fid, const std::string& refresh_token) {
    return installations_.GenerateToken("godwit", key_.key, fid, "FIS_v2 " + refresh_token)
        .status()
        .code();
  }

  testing::TempDirectory directory_;
  testing::ManualClock clock_;
  NullLogger logger_;
  std::unique_ptr<Database> database_ =
      OpenSqliteDatabase(JoinPath(directory_.path(), "godwit.db"), clock_, logger_).value();
  std::unique_ptr<AccessStore> access_ =
      AccessStore::Open(*database_, clock_, "http://127.0.0.1:8484").value();
  Project project_ = access_->CreateProject("godwit").value();
  App app_ = access_->CreateApp(project_.number, "android", "First").value();
  App other_app_ = access_->CreateApp(project_.number, "ios", "Second").value();
  NewApiKey key_ = access_->CreateApiKey(project_.number, app_.id).value();
  NewApiKey open_key_ = access_->CreateApiKey(project_.number, "").value();
  Installations installations_{*database_, *access_, clock_};
};

TEST_F(InstallationsTest, CreatesWithTheClientsIdAndATokenForAWeek) {
  const CreatedInstallation created = installations_.Create(Request()).value();
  EXPECT_EQ(created.fid, kFid);
  EXPECT_EQ(created.name, "projects/" + std::to_string(project_.number) + "/installations/" + kFid);
  EXPECT_GE(created.refresh_token.size(), 43u);
  EXPECT_EQ(created.auth_token.expires_in_s, 604800);
  InstallationClaims claims;
  ASSERT_EQ(Check(created.auth_token, &claims), TokenCheck::kValid);
  EXPECT_EQ(claims.fid.text(), kFid);
  EXPECT_EQ(claims.project_number, project_.number);
  EXPECT_EQ(claims.app_hash, AppHash(app_.id));
  clock_.Advance(604800 * 1000LL);
  EXPECT_EQ(Check(created.auth_token, &claims), TokenCheck::kExpired);
}

TEST_F(InstallationsTest, KeepsAGoodIdAndReplacesABadOrTakenOne) {
  ASSERT_TRUE(installations_.Create(Request()).ok());
  const struct {
    std::string fid;
    bool kept;
  } rows[] = {{"dAbcdefghijklmnopqrstu", true},
              {"fAbcdefghij", true},
              {"Xbcdefghij1", true},
              {kFid, false},
              {"", false},
              {"gAbcdefghijklmnopqrstu", false},
              {"cAbcdefghijklmnopqrst/", false},
              {"cAbcdefghijklmnopqrstuv", false},
              {std::string(100000, 'c'), false}};
  for (const auto& row : rows) {
    const auto created = installations_.Create(Request(row.fid));
    ASSERT_TRUE(created.ok()) << created.status().message();
    EXPECT_EQ(created->fid == row.fid, row.kept) << row.fid.substr(0, 30);
    EXPECT_TRUE(row.kept ||
                (created->fid.size() == 22 && created->fid[0] >= 'c' && created->fid[0] <= 'f'))
        << created->fid;
  }
}

TEST_F(InstallationsTest, AnswersAWrongCreateAlwaysWith400) {
  const Project stranger = access_->CreateProject("stranger").value();
  const NewApiKey stranger_key = access_->CreateApiKey(stranger.number, "").value();
  const struct {
    std::string project;
    std::string key;
    std::string app;
    StatusCode code;
  } rows[] = {{"godwit", key_.key, app_.id, StatusCode::kOk},
              {std::to_string(project_.number), open_key_.key, other_app_.id, StatusCode::kOk},
              {"godwit", "", app_.id, StatusCode::kInvalidArgument},
              {"godwit", "AIza" + std::string(35, 'x'), app_.id, StatusCode::kInvalidArgument},
              {"godwit", stranger_key.key, app_.id, StatusCode::kInvalidArgument},
              {"stranger", stranger_key.key, app_.id, StatusCode::kInvalidArgument},
              {"nowhere", key_.key, app_.id, StatusCode::kInvalidArgument},
              {"godwit", key_.key, other_app_.id, StatusCode::kInvalidArgument},
              {"godwit", key_.key, "", StatusCode::kInvalidArgument},
              {"godwit", key_.key, "1:1:android:1", StatusCode::kInvalidArgument}};
  for (const auto& row : rows) {
    const auto created = installations_.Create({row.project, row.key, kFid, row.app, "a:19.0.1"});
    EXPECT_EQ(created.status().code(), row.code) << row.project << " " << row.app;
  }
  CreateInstallationRequest request = Request();
  request.sdk_version = std::string(101, 'a');
  EXPECT_EQ(installations_.Create(request).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(InstallationsTest, RefreshesATokenForItsOwnerAlone) {
  const CreatedInstallation first = installations_.Create(Request()).value();
  const CreatedInstallation second = installations_.Create(Request("")).value();
  clock_.Advance(6 * 24 * 3600 * 1000LL);
  const auto token =
      installations_.GenerateToken("godwit", key_.key, first.fid, "FIS_v2 " + first.refresh_token);
  ASSERT_TRUE(token.ok()) << token.status().message();
  clock_.Advance(6 * 24 * 3600 * 1000LL);
  InstallationClaims claims;
  ASSERT_EQ(Check(*token, &claims), TokenCheck::kValid);
  EXPECT_EQ(claims.fid.text(), kFid);
  EXPECT_EQ(claims.app_hash, AppHash(app_.id));

  EXPECT_EQ(Generate(first.fid, second.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate("dUnknown", first.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(first.fid, ""), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(std::string(100000, 'x'), "x"), StatusCode::kUnauthenticated);
  EXPECT_EQ(installations_.GenerateToken("godwit", key_.key, first.fid, first.refresh_token)
                .status()
                .code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(
      installations_.GenerateToken("godwit", "wrong", first.fid, "FIS_v2 " + first.refresh_token)
          .status()
          .code(),
      StatusCode::kInvalidArgument);
  const NewApiKey other = access_->CreateApiKey(project_.number, other_app_.id).value();
  EXPECT_EQ(
      installations_.GenerateToken("godwit", other.key, first.fid, "FIS_v2 " + first.refresh_token)
          .status()
          .code(),
      StatusCode::kInvalidArgument);
}

TEST_F(InstallationsTest, ADeletedInstallationIsUnknown) {
  const CreatedInstallation created = installations_.Create(Request()).value();
  const auto remove = [&](const std::string& refresh_token) {
    return installations_.Delete("godwit", key_.key, created.fid, "FIS_v2 " + refresh_token).code();
  };
  EXPECT_EQ(remove("wrong"), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(created.fid, created.refresh_token), StatusCode::kOk);
  EXPECT_EQ(remove(created.refresh_token), StatusCode::kOk);
  EXPECT_EQ(remove(created.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(created.fid, created.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(installations_.Create(Request()).value().fid, kFid);
}

}  // namespace
}  // namespace godwit::server
