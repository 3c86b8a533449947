#include "server/installations/installations.h"

#include <gtest/gtest.h>

#include "server/access/api_keys.h"
#include "server/access/apps.h"
#include "server/access/projects.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

constexpr char kFid[] = "cAbcdefghijklmnopqrst_";

class InstallationsTest : public ::testing::Test {
 protected:
  CreateInstallationRequest Request(std::string fid = kFid) {
    return {std::move(fid), app_.id, "a:19.0.1"};
  }
  InstallationCaller Caller() const { return {"godwit", key_.key}; }
  TokenCheck Check(const InstallationToken& token, InstallationClaims* claims) {
    return access_->snapshot()->VerifyInstallationToken(token.token, clock_.NowMs(), claims);
  }
  StatusCode Generate(std::string_view fid, const std::string& refresh_token) {
    return installations_.GenerateToken(Caller(), fid, "FIS_v2 " + refresh_token).status().code();
  }

  Project NewProject(std::string_view id) {
    return Projects(*access_).Create({0, "owner@example", 0, Role::kOwner}, id, "").value();
  }
  CreatedApiKey NewKey(const Principal& by, const std::string& app_id) {
    ApiKeySettings settings;
    settings.restrictions.set_app_id(app_id);
    return api_keys_.Create(by, settings).value();
  }

  testing::TempDirectory directory_;
  testing::ManualClock clock_;
  NullLogger logger_;
  std::unique_ptr<Database> database_ =
      OpenSqliteDatabase(JoinPath(directory_.path(), "godwit.db"), clock_, logger_).value();
  std::unique_ptr<AccessStore> access_ =
      AccessStore::Open(*database_, clock_, "http://127.0.0.1:8484").value();
  Apps apps_{*access_};
  ApiKeys api_keys_{*access_};
  Project project_ = NewProject("godwit");
  Principal owner_ = {project_.number, "owner@example", 0, Role::kOwner};
  App app_ = apps_.Create(owner_, {"android", "First", ""}).value();
  App other_app_ = apps_.Create(owner_, {"ios", "Second", ""}).value();
  CreatedApiKey key_ = NewKey(owner_, app_.id);
  CreatedApiKey open_key_ = NewKey(owner_, "");
  Installations installations_{*database_, *access_, clock_};
};

TEST_F(InstallationsTest, CreatesWithTheClientsIdAndATokenForAWeek) {
  const CreatedInstallation created = installations_.Create(Caller(), Request()).value();
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
  ASSERT_TRUE(installations_.Create(Caller(), Request()).ok());
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
    const auto created = installations_.Create(Caller(), Request(row.fid));
    ASSERT_TRUE(created.ok()) << created.status().message();
    EXPECT_EQ(created->fid == row.fid, row.kept) << row.fid.substr(0, 30);
    EXPECT_TRUE(row.kept ||
                (created->fid.size() == 22 && created->fid[0] >= 'c' && created->fid[0] <= 'f'))
        << created->fid;
  }
}

TEST_F(InstallationsTest, AnswersAWrongCreateAlwaysWith400) {
  const Project stranger = NewProject("stranger");
  const CreatedApiKey stranger_key =
      NewKey({stranger.number, "owner@example", 0, Role::kOwner}, "");
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
    const auto created = installations_.Create({row.project, row.key}, {kFid, row.app, "a:19.0.1"});
    EXPECT_EQ(created.status().code(), row.code) << row.project << " " << row.app;
  }
  CreateInstallationRequest request = Request();
  request.sdk_version = std::string(101, 'a');
  EXPECT_EQ(installations_.Create(Caller(), request).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(InstallationsTest, RefreshesATokenForItsOwnerAlone) {
  const CreatedInstallation first = installations_.Create(Caller(), Request()).value();
  const CreatedInstallation second = installations_.Create(Caller(), Request("")).value();
  clock_.Advance(6 * 24 * 3600 * 1000LL);
  const auto token =
      installations_.GenerateToken(Caller(), first.fid, "FIS_v2 " + first.refresh_token);
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
  EXPECT_EQ(installations_.GenerateToken(Caller(), first.fid, first.refresh_token).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(
      installations_.GenerateToken({"godwit", "wrong"}, first.fid, "FIS_v2 " + first.refresh_token)
          .status()
          .code(),
      StatusCode::kInvalidArgument);
  const CreatedApiKey other = NewKey(owner_, other_app_.id);
  EXPECT_EQ(installations_
                .GenerateToken({"godwit", other.key}, first.fid, "FIS_v2 " + first.refresh_token)
                .status()
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(InstallationsTest, ADeletedInstallationIsUnknown) {
  const CreatedInstallation created = installations_.Create(Caller(), Request()).value();
  const auto remove = [&](const std::string& refresh_token) {
    return installations_.Delete(Caller(), created.fid, "FIS_v2 " + refresh_token).code();
  };
  EXPECT_EQ(remove("wrong"), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(created.fid, created.refresh_token), StatusCode::kOk);
  EXPECT_EQ(remove(created.refresh_token), StatusCode::kOk);
  EXPECT_EQ(remove(created.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(Generate(created.fid, created.refresh_token), StatusCode::kUnauthenticated);
  EXPECT_EQ(installations_.Create(Caller(), Request()).value().fid, kFid);
}

TEST_F(InstallationsTest, ARestrictedKeyKeepsOtherClientsOutWith403) {
  const Json list = Json::Object({{"allowedBundleIds", Json::Array({"com.example.app"})}});
  const auto restrictions = KeyRestrictions::FromJson(Json::Object({{"iosKeyRestrictions", list}}));
  const CreatedApiKey restricted = api_keys_.Create(owner_, {"", restrictions.value()}).value();
  const InstallationCaller good{"godwit", restricted.key, {.ios_bundle_id = "com.example.app"}};
  const InstallationCaller bad{"godwit", restricted.key, {.ios_bundle_id = "com.example.other"}};
  EXPECT_EQ(installations_.Create(bad, Request()).status().code(), StatusCode::kPermissionDenied);
  const CreatedInstallation created = installations_.Create(good, Request()).value();
  const std::string refresh = "FIS_v2 " + created.refresh_token;
  EXPECT_EQ(installations_.GenerateToken(bad, created.fid, refresh).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_TRUE(installations_.GenerateToken(good, created.fid, refresh).ok());
  EXPECT_EQ(installations_.Delete(bad, created.fid, refresh).code(), StatusCode::kPermissionDenied);
  EXPECT_TRUE(installations_.Delete(good, created.fid, refresh).ok());
}

TEST_F(InstallationsTest, EndWithTheirApp) {
  const CreatedInstallation created =
      installations_.Create({"godwit", open_key_.key}, Request()).value();
  ASSERT_TRUE(apps_.Delete(owner_, app_.id).ok());
  EXPECT_EQ(
      installations_
          .GenerateToken({"godwit", open_key_.key}, created.fid, "FIS_v2 " + created.refresh_token)
          .status()
          .code(),
      StatusCode::kUnauthenticated);
  EXPECT_EQ(installations_.Create({"godwit", open_key_.key}, Request()).status().code(),
            StatusCode::kInvalidArgument)
      << "so that no client registers again without end";
}

}  // namespace
}  // namespace godwit::server
