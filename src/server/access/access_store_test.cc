#include "server/access/access_store.h"

#include "server/access/access_fixture.h"

namespace godwit::server {
namespace {

using AccessStoreTest = AccessFixture;

TEST_F(AccessStoreTest, AServiceAccountGetsATokenForAnHour) {
  const ServiceAccount account = accounts_.Create(owner_, "deployer", "", Role::kEditor).value();
  const NewAccountKey key = accounts_.CreateKey(owner_, account.email).value();
  const auto token = store_->ExchangeJwt(TokenRequest(key.key_file_json), &error_);
  ASSERT_TRUE(token.has_value()) << error_.description;
  EXPECT_EQ(token->expires_in_s, 3599);
  for (int round = 0; round < 2; ++round) {  // From the disk, then from memory.
    const auto principal = store_->FindAccessToken(token->token);
    ASSERT_TRUE(principal.ok());
    EXPECT_EQ(principal->email, account.email);
    EXPECT_EQ(principal->project_number, project_.number);
    EXPECT_EQ(principal->role, Role::kEditor);
  }
  EXPECT_TRUE(Open()->FindAccessToken(token->token).ok());  // A restart logs nobody out.
  clock_.Advance(kHourMs - 1);
  EXPECT_TRUE(store_->FindAccessToken(token->token).ok());
  clock_.Advance(1);
  EXPECT_EQ(store_->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(Open()->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
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

TEST_F(AccessStoreTest, AChangeThatCannotBeShownIsNotMade) {
  const CreatedApiKey revoked = keys_.Create(owner_, {}).value();
  const CreatedApiKey other = keys_.Create(owner_, {}).value();
  const Status changed = store_->Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM api_keys WHERE key_id = $1", {revoked.info.id}).status());
    return sql.Execute("UPDATE api_keys SET restrictions = '{' WHERE key_id = $1", {other.info.id})
        .status();
  });
  EXPECT_FALSE(changed.ok());
  const auto restarted = Open();
  for (const AccessStore* store : {store_.get(), restarted.get()}) {
    EXPECT_NE(store->snapshot()->FindApiKey(revoked.key), nullptr);
    EXPECT_NE(store->snapshot()->FindApiKey(other.key), nullptr);
  }
}

TEST_F(AccessStoreTest, AnAccountsPublicKeysCheckWhatItSigns) {
  const ServiceAccount account = accounts_.Create(owner_, "signer", "", Role::kViewer).value();
  EXPECT_TRUE(store_->PublicKeysOf(account.email).value().public_key_pems.empty());
  const NewAccountKey key = accounts_.CreateKey(owner_, account.email).value();
  const Json file = Json::Parse(key.key_file_json).value();
  const auto keys = store_->PublicKeysOf(account.email).value();
  EXPECT_EQ(keys.project_number, project_.number);
  EXPECT_EQ(keys.role, Role::kViewer);
  EXPECT_EQ(keys.key_ids, std::vector<std::string>{key.id});
  ASSERT_EQ(keys.public_key_pems.size(), 1u);
  const RsaKey signer = RsaKey::FromPrivatePem(file["private_key"].AsString()).value();
  const RsaKey checker = RsaKey::FromPublicPem(keys.public_key_pems[0]).value();
  EXPECT_TRUE(checker.VerifySha256("text", signer.SignSha256("text").value()));
  EXPECT_TRUE(store_->PublicKeysOf(account.email, "other").value().public_key_pems.empty());
  EXPECT_EQ(store_->PublicKeysOf("nobody@x").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace godwit::server
