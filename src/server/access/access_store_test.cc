#include "server/access/access_store.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "protocol/json.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

constexpr int64_t kHourMs = 3600 * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;

class AccessStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<AccessStore> Open() {
    return AccessStore::Open(*database_, clock_, "http://127.0.0.1:8484").value();
  }

  // The form that a client with this key file sends to /token.
  std::string TokenRequest(const NewServiceAccount& account) {
    const Json file = Json::Parse(account.key_file_json).value();
    Json header, claims;
    header.Set("alg", "RS256").Set("kid", file["private_key_id"].AsString());
    claims.Set("iss", file["client_email"].AsString())
        .Set("aud", file["token_uri"].AsString())
        .Set("iat", clock_.NowMs() / 1000)
        .Set("exp", clock_.NowMs() / 1000 + 3600);
    const std::string text = Base64UrlEncode(AsBytes(header.Serialize())) + "." +
                             Base64UrlEncode(AsBytes(claims.Serialize()));
    const RsaKey key = RsaKey::FromPrivatePem(file["private_key"].AsString()).value();
    return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + text +
           "." + Base64UrlEncode(AsBytes(key.SignSha256(text).value()));
  }

  testing::TempDirectory directory_;
  testing::ManualClock clock_;
  NullLogger logger_;
  std::unique_ptr<Database> database_ =
      OpenSqliteDatabase(JoinPath(directory_.path(), "godwit.db"), clock_, logger_).value();
  std::unique_ptr<AccessStore> store_ = Open();
  OAuthError error_;
};

TEST_F(AccessStoreTest, ANewProjectAppAndKeyAreInTheNextSnapshot) {
  const uint64_t before = store_->generation();
  const Project project = store_->CreateProject("my-project").value();
  const App app = store_->CreateApp(project.number, "ios", "My app").value();
  const NewApiKey key = store_->CreateApiKey(project.number, app.id).value();
  EXPECT_GT(store_->generation(), before);
  EXPECT_EQ(std::to_string(project.number).size(), 12u);
  EXPECT_TRUE(app.id.starts_with("1:" + std::to_string(project.number) + ":ios:")) << app.id;
  EXPECT_EQ(key.key.size(), 39u);
  EXPECT_TRUE(key.key.starts_with("AIza"));

  const auto restarted = Open();
  for (const AccessStore* store : {store_.get(), restarted.get()}) {
    const auto snapshot = store->snapshot();
    const ApiKey* const found = snapshot->FindApiKey(key.key);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, key.id);
    EXPECT_EQ(found->project_number, project.number);
    EXPECT_EQ(found->project_id, "my-project");
    EXPECT_EQ(found->app_id, app.id);
    EXPECT_EQ(found->app_hash, AppHash(app.id));
    ASSERT_NE(snapshot->FindProject("my-project"), nullptr);
    ASSERT_NE(snapshot->FindApp(app.id), nullptr);
    EXPECT_EQ(snapshot->FindApp(app.id)->display_name, "My app");
  }
}

TEST_F(AccessStoreTest, ADeletedKeyOpensNothing) {
  const Project project = store_->CreateProject("my-project").value();
  const NewApiKey key = store_->CreateApiKey(project.number, "").value();
  ASSERT_TRUE(store_->DeleteApiKey(key.id).ok());
  EXPECT_EQ(store_->snapshot()->FindApiKey(key.key), nullptr);
  EXPECT_EQ(store_->DeleteApiKey(key.id).code(), StatusCode::kNotFound);
}

TEST_F(AccessStoreTest, RefusesWrongNames) {
  const Project project = store_->CreateProject("my-project").value();
  EXPECT_EQ(store_->CreateProject("my-project").status().code(), StatusCode::kAlreadyExists);
  for (const char* id : {"", "short", "With-Upper", "with_underscore", "has space",
                         "thirty-one-characters-are-a-lot"}) {
    EXPECT_EQ(store_->CreateProject(id).status().code(), StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(store_->CreateServiceAccount(project.number, id).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(store_->CreateApp(project.number, "i:os", "").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->CreateApp(1, "ios", "").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->CreateApiKey(project.number, "1:2:ios:3").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(store_->CreateServiceAccount(1, "deployer").status().code(), StatusCode::kNotFound);
}

TEST_F(AccessStoreTest, AServiceAccountGetsATokenForAnHour) {
  const Project project = store_->CreateProject("my-project").value();
  const NewServiceAccount account =
      store_->CreateServiceAccount(project.number, "deployer").value();
  const Json file = Json::Parse(account.key_file_json).value();
  EXPECT_EQ(file["type"].AsString(), "service_account");
  EXPECT_EQ(file["project_id"].AsString(), "my-project");
  EXPECT_EQ(file["token_uri"].AsString(), "http://127.0.0.1:8484/token");
  EXPECT_EQ(file["client_email"].AsString(), account.email);

  const auto token = store_->ExchangeJwt(TokenRequest(account), &error_);
  ASSERT_TRUE(token.has_value()) << error_.description;
  EXPECT_EQ(token->expires_in_s, 3599);
  for (int round = 0; round < 2; ++round) {  // From the disk, then from memory.
    const auto principal = store_->FindAccessToken(token->token);
    ASSERT_TRUE(principal.ok());
    EXPECT_EQ(principal->email, account.email);
    EXPECT_EQ(principal->project_number, project.number);
  }
  EXPECT_TRUE(Open()->FindAccessToken(token->token).ok());  // A restart logs nobody out.
  clock_.Advance(kHourMs - 1);
  EXPECT_TRUE(store_->FindAccessToken(token->token).ok());
  clock_.Advance(1);
  EXPECT_EQ(store_->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(Open()->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
}

TEST_F(AccessStoreTest, ADeletedAccountsTokensStopAtOnce) {
  const Project project = store_->CreateProject("my-project").value();
  const NewServiceAccount account =
      store_->CreateServiceAccount(project.number, "deployer").value();
  const auto token = store_->ExchangeJwt(TokenRequest(account), &error_);
  ASSERT_TRUE(token && store_->FindAccessToken(token->token).ok());
  ASSERT_TRUE(store_->DeleteServiceAccount(account.email).ok());
  EXPECT_EQ(store_->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
  EXPECT_FALSE(store_->ExchangeJwt(TokenRequest(account), &error_));
  EXPECT_EQ(error_.error, "invalid_grant");
}

TEST_F(AccessStoreTest, KnowsNoTokenThatItDidNotMake) {
  for (const std::string& token : {std::string(), std::string("gat_"),
                                   "gat_" + std::string(43, 'A'), std::string(100000, 'x')}) {
    EXPECT_EQ(store_->FindAccessToken(token).status().code(), StatusCode::kUnauthenticated);
  }
}

TEST_F(AccessStoreTest, SigningKeysRotateAndRestUntilNothingNeedsThem) {
  InstallationClaims claims;
  claims.expires_ms = clock_.NowMs() + 100 * kDayMs;
  const std::string old_token = store_->snapshot()->SignInstallationToken(claims);
  const auto check = [&] {
    return store_->snapshot()->VerifyInstallationToken(old_token, clock_.NowMs(), &claims);
  };
  ASSERT_TRUE(store_->Maintain().ok());
  EXPECT_EQ(store_->snapshot()->SignInstallationToken(claims), old_token);
  clock_.Advance(31 * kDayMs);
  ASSERT_TRUE(store_->Maintain().ok());
  claims.expires_ms += 1;
  EXPECT_NE(store_->snapshot()->SignInstallationToken(claims).substr(0, 8), old_token.substr(0, 8));
  EXPECT_EQ(check(), TokenCheck::kValid);
  clock_.Advance(7 * kDayMs);
  ASSERT_TRUE(store_->RotateSigningKeys().ok());
  EXPECT_EQ(check(), TokenCheck::kValid);
  clock_.Advance(31 * kDayMs);
  ASSERT_TRUE(store_->Maintain().ok());
  EXPECT_EQ(check(), TokenCheck::kUnknownKey);
}

TEST_F(AccessStoreTest, AnAccountsPublicKeysCheckWhatItSigns) {
  const Project project = store_->CreateProject("my-project").value();
  const NewServiceAccount account = store_->CreateServiceAccount(project.number, "signer").value();
  const Json file = Json::Parse(account.key_file_json).value();
  const auto keys = store_->PublicKeysOf(account.email).value();
  EXPECT_EQ(keys.project_number, project.number);
  ASSERT_EQ(keys.public_key_pems.size(), 1u);
  const RsaKey signer = RsaKey::FromPrivatePem(file["private_key"].AsString()).value();
  const RsaKey checker = RsaKey::FromPublicPem(keys.public_key_pems[0]).value();
  EXPECT_TRUE(checker.VerifySha256("text", signer.SignSha256("text").value()));
  EXPECT_TRUE(store_->PublicKeysOf(account.email, "other").value().public_key_pems.empty());
  EXPECT_EQ(store_->PublicKeysOf("nobody@x").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace godwit::server
