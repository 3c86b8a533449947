#include "server/access/apps.h"

#include "server/access/access_fixture.h"

namespace godwit::server {
namespace {

using AppsTest = AccessFixture;

TEST_F(AppsTest, ANewAppIsInTheNextSnapshot) {
  const uint64_t before = store_->generation();
  const App app = apps_.Create(owner_, {"ios", "My app", "com.example.app"}).value();
  EXPECT_GT(store_->generation(), before);
  EXPECT_TRUE(app.id.starts_with("1:" + std::to_string(project_.number) + ":ios:")) << app.id;
  const auto restarted = Open();
  for (const AccessStore* store : {store_.get(), restarted.get()}) {
    const auto snapshot = store->snapshot();
    const App* const found = snapshot->FindApp(app.id);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->display_name, "My app");
    EXPECT_EQ(found->identity, "com.example.app");
    EXPECT_EQ(snapshot->FindApp(AppHash(app.id)), found);
  }
}

TEST_F(AppsTest, AreOnePerPlatformAndPackage) {
  ASSERT_TRUE(apps_.Create(owner_, {"android", "", "com.example.app"}).ok());
  EXPECT_EQ(apps_.Create(owner_, {"android", "", "com.example.app"}).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(apps_.Create(owner_, {"ios", "", "com.example.app"}).ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(apps_.Create(owner_, {"web", "", ""}).ok());
  const Project other = projects_.Create(owner_, "other-project", "").value();
  EXPECT_TRUE(apps_.Create(By(other, Role::kAdmin), {"android", "", "com.example.app"}).ok());
}

TEST_F(AppsTest, RefuseWrongNames) {
  for (const NewApp& app :
       {NewApp{"i:os", "", ""}, NewApp{"", "", ""}, NewApp{"ios", "a\tb", ""},
        NewApp{"ios", "", "has space"}, NewApp{"ios", "", ".com"}, NewApp{"ios", "", "a/b"}}) {
    EXPECT_EQ(apps_.Create(owner_, app).status().code(), StatusCode::kInvalidArgument)
        << app.platform << app.identity;
  }
  EXPECT_EQ(apps_.Create({1, "x", 0, Role::kOwner}, {"ios", "", ""}).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_F(AppsTest, ADeletedAppTakesItsKeysAlong) {
  const App app = apps_.Create(owner_, {"android", "", ""}).value();
  ApiKeySettings settings;
  settings.restrictions.set_app_id(app.id);
  const CreatedApiKey own = keys_.Create(owner_, settings).value();
  const CreatedApiKey open = keys_.Create(owner_, {}).value();
  EXPECT_EQ(store_->snapshot()->FindApiKey(own.key)->app_hash, AppHash(app.id));
  ASSERT_TRUE(apps_.Delete(owner_, app.id).ok());
  EXPECT_EQ(store_->snapshot()->FindApp(app.id), nullptr);
  EXPECT_EQ(store_->snapshot()->FindApiKey(own.key), nullptr);
  EXPECT_NE(store_->snapshot()->FindApiKey(open.key), nullptr);
  EXPECT_EQ(apps_.Delete(owner_, app.id).code(), StatusCode::kNotFound);
}

TEST_F(AppsTest, AreOutOfReachOfOtherProjects) {
  const App app = apps_.Create(owner_, {"android", "", ""}).value();
  const Principal stranger =
      By(projects_.Create(owner_, "other-project", "").value(), Role::kOwner);
  EXPECT_EQ(apps_.Delete(stranger, app.id).code(), StatusCode::kNotFound);
  EXPECT_EQ(apps_.Rename(stranger, app.id, "x").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(apps_.AddCertificate(stranger, app.id, std::string(40, 'a')).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(apps_.Rename(owner_, app.id, "New").value().display_name, "New");
  EXPECT_EQ(store_->snapshot()->FindApp(app.id)->display_name, "New");
}

TEST_F(AppsTest, CertificatesAreKeptInOneForm) {
  const App app = apps_.Create(owner_, {"android", "", ""}).value();
  std::string colons = "AA";
  for (int i = 0; i < 19; ++i) colons += ":AA";
  const std::string hex(40, 'a'), sha256(64, 'b');
  EXPECT_EQ(apps_.AddCertificate(owner_, app.id, colons).value(), hex);
  EXPECT_TRUE(apps_.AddCertificate(owner_, app.id, hex).ok());
  EXPECT_TRUE(apps_.AddCertificate(owner_, app.id, sha256).ok());
  EXPECT_EQ(apps_.ListCertificates(owner_, app.id).value(),
            (std::vector<std::string>{hex, sha256}));
  for (const std::string& wrong : {std::string(), std::string(39, 'a'), std::string(41, 'a'),
                                   std::string(40, 'g'), std::string(100000, 'a')}) {
    EXPECT_EQ(apps_.AddCertificate(owner_, app.id, wrong).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(apps_.DeleteCertificate(owner_, app.id, colons).ok());
  EXPECT_EQ(apps_.DeleteCertificate(owner_, app.id, colons).code(), StatusCode::kNotFound);
  const App web = apps_.Create(owner_, {"web", "", ""}).value();
  EXPECT_EQ(apps_.AddCertificate(owner_, web.id, hex).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit::server
