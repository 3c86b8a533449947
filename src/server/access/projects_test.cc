#include "server/access/projects.h"

#include <gmock/gmock.h>

#include "server/access/access_fixture.h"

namespace godwit::server {
namespace {

using ProjectsTest = AccessFixture;

TEST_F(ProjectsTest, AreKnownByIdAndByNumberAlsoAfterARestart) {
  EXPECT_EQ(std::to_string(project_.number).size(), 12u);
  const auto restarted = Open();
  for (const AccessStore* store : {store_.get(), restarted.get()}) {
    const auto snapshot = store->snapshot();
    for (const std::string& name : {project_.id, std::to_string(project_.number)}) {
      const Project* const found = snapshot->FindProject(name);
      ASSERT_NE(found, nullptr) << name;
      EXPECT_EQ(found->number, project_.number);
      EXPECT_EQ(found->display_name, "Mine");
      EXPECT_EQ(found->created_ms, clock_.NowMs());
    }
  }
}

TEST_F(ProjectsTest, RefuseWrongAndTakenNames) {
  EXPECT_EQ(projects_.Create(owner_, "my-project", "").status().code(), StatusCode::kAlreadyExists);
  for (const char* id :
       {"", "short", "With-Upper", "with_underscore", "has space", "1digit-first", "-dash-first",
        "dash-last-", "123456789012", "thirty-one-characters-are-a-lot"}) {
    EXPECT_EQ(projects_.Create(owner_, id, "").status().code(), StatusCode::kInvalidArgument) << id;
  }
  for (const std::string& name : {std::string(201, 'a'), std::string("a\nb")}) {
    EXPECT_EQ(projects_.Create(owner_, "other-project", name).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(ProjectsTest, ADeletedProjectTakesEverythingInItAlong) {
  const Project other = projects_.Create(owner_, "other-project", "").value();
  const Principal by = By(other, Role::kOwner);
  const App app = apps_.Create(by, {"android", "App", "com.example.app"}).value();
  ASSERT_TRUE(apps_.AddCertificate(by, app.id, std::string(40, 'a')).ok());
  const CreatedApiKey key = keys_.Create(by, {}).value();
  const ServiceAccount account = accounts_.Create(by, "deployer", "", Role::kAdmin).value();
  const NewAccountKey account_key = accounts_.CreateKey(by, account.email).value();
  const auto token = store_->ExchangeJwt(TokenRequest(account_key.key_file_json), &error_);
  ASSERT_TRUE(token && store_->FindAccessToken(token->token).ok());

  ASSERT_TRUE(projects_.Delete(owner_, other.number).ok());
  const auto snapshot = store_->snapshot();
  EXPECT_EQ(snapshot->FindProject("other-project"), nullptr);
  EXPECT_EQ(snapshot->FindApp(app.id), nullptr);
  EXPECT_EQ(snapshot->FindApiKey(key.key), nullptr);
  EXPECT_EQ(store_->FindAccessToken(token->token).status().code(), StatusCode::kUnauthenticated);
  EXPECT_FALSE(store_->ExchangeJwt(TokenRequest(account_key.key_file_json), &error_));
  EXPECT_EQ(projects_.Delete(owner_, other.number).code(), StatusCode::kNotFound);
  EXPECT_NE(snapshot->FindProject("my-project"), nullptr);
  EXPECT_THAT(Changes(other.number),
              ::testing::ElementsAre("project.create projects/other-project someone@example",
                                     ::testing::StartsWith("app.create apps/1:"),
                                     ::testing::StartsWith("app.certificate.create apps/1:"),
                                     "key.create keys/" + key.info.id + " someone@example",
                                     ::testing::StartsWith("account.create serviceAccounts/dep"),
                                     ::testing::StartsWith("account.key.create serviceAccounts"),
                                     "project.delete projects/other-project someone@example"));
  EXPECT_TRUE(projects_.Create(owner_, "other-project", "").ok()) << "the name is free again";
}

TEST_F(ProjectsTest, AreKeptWhileSomebodyWouldMissWhatIsInThem) {
  const Project other = projects_.Create(owner_, "other-project", "").value();
  const struct {
    const char* insert;
    const char* remove;
  } rows[] = {
      {"INSERT INTO models (project_number, model_id, display_name, tags, source_uri, "
       "validation_error, latest_version, published_version, etag, create_time_ms, "
       "update_time_ms) VALUES ($1, '7', 'm', '', '', '', 0, 0, 1, 0, 0)",
       "DELETE FROM models WHERE project_number = $1"},
      {"INSERT INTO objects (bucket, object_name, project_number, generation, sha256, size_bytes, "
       "crc32c, md5, content_type, create_time_ms) VALUES ('b', 'o', $1, 1, '', 0, 0, '', '', 0)",
       "DELETE FROM objects WHERE project_number = $1"},
  };
  for (const auto& row : rows) {
    const auto run = [&](const char* statement) {
      return database_->Write(
          [&](SqlConnection& sql) { return sql.Execute(statement, {other.number}).status(); });
    };
    ASSERT_TRUE(run(row.insert).ok());
    EXPECT_EQ(projects_.Delete(owner_, other.number).code(), StatusCode::kFailedPrecondition);
    ASSERT_TRUE(run(row.remove).ok());
  }
  EXPECT_TRUE(projects_.Delete(owner_, other.number).ok());
}

TEST_F(ProjectsTest, NobodyDeletesTheProjectThatHisAccountIsOf) {
  const ServiceAccount account = accounts_.Create(owner_, "owner-two", "", Role::kOwner).value();
  const Principal self{project_.number, account.email, 0, Role::kOwner};
  EXPECT_EQ(projects_.Delete(self, project_.number).code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(store_->snapshot()->FindProject("my-project"), nullptr);
}

}  // namespace
}  // namespace godwit::server
