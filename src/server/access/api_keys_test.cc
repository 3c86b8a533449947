#include "server/access/api_keys.h"

#include "server/access/access_fixture.h"

namespace godwit::server {
namespace {

using ApiKeysTest = AccessFixture;

KeyRestrictions Ios(const std::string& bundle_id) {
  const Json list = Json::Object({{"allowedBundleIds", Json::Array({bundle_id})}});
  return KeyRestrictions::FromJson(Json::Object({{"iosKeyRestrictions", list}})).value();
}

TEST_F(ApiKeysTest, AKeyIsReadableOnceAndOpensItsApp) {
  const App app = apps_.Create(owner_, {"android", "", ""}).value();
  ApiKeySettings settings{"For the app", Ios("com.example.app")};
  settings.restrictions.set_app_id(app.id);
  const CreatedApiKey key = keys_.Create(owner_, settings).value();
  EXPECT_EQ(key.key.size(), 39u);
  EXPECT_TRUE(key.key.starts_with("AIza"));
  const auto restarted = Open();
  for (const AccessStore* store : {store_.get(), restarted.get()}) {
    const auto snapshot = store->snapshot();
    const ApiKey* const found = snapshot->FindApiKey(key.key);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, key.info.id);
    EXPECT_EQ(found->project_number, project_.number);
    EXPECT_EQ(found->project_id, "my-project");
    EXPECT_EQ(found->app_id, app.id);
    EXPECT_EQ(found->app_hash, AppHash(app.id));
    EXPECT_TRUE(found->restrictions.Allow({.ios_bundle_id = "com.example.app"}));
    EXPECT_FALSE(found->restrictions.Allow({.ios_bundle_id = "com.example.other"}));
  }
  const ApiKeyInfo info = keys_.Find(owner_, key.info.id).value();
  EXPECT_EQ(info.settings.display_name, "For the app");
  EXPECT_EQ(info.settings.restrictions.ToJson(), settings.restrictions.ToJson());
  // Nothing in the database is the key.
  EXPECT_TRUE(store_
                  ->Read([&](SqlConnection& sql) -> Status {
                    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                                            sql.Query("SELECT * FROM api_keys"));
                    for (size_t i = 0; i < rows.at(0).size(); ++i) {
                      EXPECT_EQ(rows[0].Text(i).find(key.key.substr(4)), std::string::npos);
                    }
                    return Status::Ok();
                  })
                  .ok());
}

TEST_F(ApiKeysTest, NoKeyIsMadeForAnAppThatIsBeingDeleted) {
  const App app = apps_.Create(owner_, {"android", "", ""}).value();
  ASSERT_TRUE(database_
                  ->Write([&](SqlConnection& sql) {
                    return sql.Execute("DELETE FROM apps WHERE app_id = $1", {app.id}).status();
                  })
                  .ok());
  ApiKeySettings settings;
  settings.restrictions.set_app_id(app.id);
  EXPECT_EQ(keys_.Create(owner_, settings).status().code(), StatusCode::kNotFound);
}

TEST_F(ApiKeysTest, AChangedOrDeletedKeyIsAnotherAtOnce) {
  const CreatedApiKey key = keys_.Create(owner_, {}).value();
  EXPECT_TRUE(store_->snapshot()->FindApiKey(key.key)->restrictions.Allow({}));
  clock_.Advance(5000);
  const ApiKeyInfo changed =
      keys_.Update(owner_, key.info.id, {"New name", Ios("com.example.app")}).value();
  EXPECT_EQ(changed.updated_ms, key.info.created_ms + 5000);
  EXPECT_FALSE(store_->snapshot()->FindApiKey(key.key)->restrictions.Allow({}));
  EXPECT_EQ(keys_.Update(owner_, key.info.id, {"Third", {}}).value().settings.restrictions.kind(),
            KeyRestrictions::Kind::kIos);
  ASSERT_TRUE(keys_.Delete(owner_, key.info.id).ok());
  EXPECT_EQ(store_->snapshot()->FindApiKey(key.key), nullptr);
  EXPECT_EQ(keys_.Delete(owner_, key.info.id).code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.Find(owner_, key.info.id).status().code(), StatusCode::kNotFound);
}

TEST_F(ApiKeysTest, AreListedInPagesAndOutOfReachOfOtherProjects) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(keys_.Create(owner_, {}).value().info.id);
  std::sort(ids.begin(), ids.end());
  std::vector<std::string> listed;
  for (std::string after;;) {
    const auto page = keys_.List(owner_, after, 2).value();
    if (page.empty()) break;
    for (const ApiKeyInfo& info : page) listed.push_back(info.id);
    after = listed.back();
  }
  EXPECT_EQ(listed, ids);
  const Principal stranger =
      By(projects_.Create(owner_, "other-project", "").value(), Role::kOwner);
  EXPECT_TRUE(keys_.List(stranger, "", 10).value().empty());
  EXPECT_EQ(keys_.Delete(stranger, ids[0]).code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.Update(stranger, ids[0], {"x", {}}).status().code(), StatusCode::kNotFound);
  const App app = apps_.Create(stranger, {"ios", "", ""}).value();
  ApiKeySettings settings;
  settings.restrictions.set_app_id(app.id);
  EXPECT_EQ(keys_.Create(owner_, settings).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace godwit::server
