#include "server/registry/registry.h"

#include <set>

#include "server/registry/listing.h"
#include "server/registry/registry_fixture.h"

namespace godwit::server {
namespace {

TEST_F(RegistryTest, AModelWithoutAFileIsNotPublishable) {
  const ModelPointer model = Create("face");
  EXPECT_TRUE(IsModelId(model->id));
  EXPECT_GE(model->id.size(), 8u);
  EXPECT_EQ(model->validation_error, "No model file has been uploaded.");
  const auto published = Update(model, WithPublished(true));
  EXPECT_EQ(published.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(published.status().message(), "Cannot publish a model that is not verified.");
  EXPECT_TRUE(Update(model, WithPublished(false)).ok());
}

TEST_F(RegistryTest, RefusesATakenNameButNotInAnotherProject) {
  const ModelPointer face = Create("face");
  const ModelPointer voice = Create("voice");
  const auto again = registry_->Create(kProject, NewModel("face"), kActor);
  EXPECT_EQ(again.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(again.status().message(), "Model 'face' already exists");
  EXPECT_EQ(Update(voice, NewModel("face")).status().code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(registry_->Create(kProject, NewModel("Face"), kActor).ok());
  EXPECT_TRUE(registry_->Create(kProject + 1, NewModel("face"), kActor).ok());
  EXPECT_EQ(registry_->snapshot()->FindByName(kProject, "face"), face);
}

TEST_F(RegistryTest, RefusesBadNamesAndTags) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string("Invalid#*^!"),
                                  std::string(33, 'x'), std::string("é")}) {
    EXPECT_EQ(registry_->Create(kProject, NewModel(name), kActor).status().code(),
              StatusCode::kInvalidArgument)
        << name;
    ModelChange change = NewModel("good");
    change.tags = {name};
    EXPECT_EQ(registry_->Create(kProject, change, kActor).status().code(),
              StatusCode::kInvalidArgument);
  }
  ModelChange many = NewModel("good");
  many.tags = std::vector<std::string>(kTagsMax + 1, "tag");
  EXPECT_EQ(registry_->Create(kProject, many, kActor).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(registry_->snapshot()->models().empty());
}

TEST_F(RegistryTest, AValidFileIsANewVersionUnlessItIsTheLatestAgain) {
  ModelPointer model = Create("face");
  model = Update(model, WithFile(ValidFile("one"))).value();
  EXPECT_EQ(model->latest, 1);
  EXPECT_EQ(model->validation_error, "");
  const int64_t changes = ChangeCount();
  EXPECT_EQ(Update(model, WithFile(ValidFile("one"))).value(), model);
  EXPECT_EQ(ChangeCount(), changes) << "a change of nothing is written nowhere";
  model = Update(model, WithFile(ValidFile("two"))).value();
  model = Update(model, WithFile(ValidFile("one"))).value();
  EXPECT_EQ(model->latest, 3);
  EXPECT_EQ(ChangeCount(), changes + 2);
  const auto records = registry_->ListVersions(kProject, model->id, 0, 2).value();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].version.number, 3);
  EXPECT_EQ(records[1].version.number, 2);
  EXPECT_EQ(records[1].source_uri, "gs://bucket/two");
  EXPECT_EQ(records[1].structure, R"({"operators":[]})");
  EXPECT_EQ(registry_->ListVersions(kProject, model->id, 2, 9)->size(), 1u);
}

TEST_F(RegistryTest, FollowsTheRulesOfPublishing) {
  ModelPointer model = Create("face");
  model = Update(model, WithFile(ValidFile("one"))).value();
  EXPECT_EQ(model->published, 0) << "a first file publishes nothing";
  model = Update(model, WithPublished(true)).value();
  EXPECT_EQ(model->published, 1);
  model = Update(model, WithFile(ValidFile("two"))).value();
  EXPECT_EQ(model->published, 2) << "a published model follows its file";
  model = Update(model, WithFile(InvalidFile())).value();
  EXPECT_EQ(model->published, 2) << "an invalid file unpublishes nothing";
  EXPECT_EQ(model->latest, 2);
  EXPECT_EQ(model->validation_error, "Invalid flatbuffer format");
  EXPECT_EQ(Update(model, WithPublished(true)).status().code(), StatusCode::kFailedPrecondition);

  ModelChange quiet = WithFile(ValidFile("three"));
  quiet.file_moves_published = false;
  model = Update(model, quiet).value();
  EXPECT_EQ(model->latest, 3);
  EXPECT_EQ(model->published, 2) << "a push without publishing moves latest alone";

  ModelChange back;
  back.published_version = 1;
  model = Update(model, back).value();
  EXPECT_EQ(model->published, 1);
  back.published_version = 9;
  EXPECT_EQ(Update(model, back).status().code(), StatusCode::kNotFound);
  model = Update(model, WithPublished(false)).value();
  EXPECT_EQ(model->published, 0);
  EXPECT_EQ(Update(model, WithPublished(false)).value(), model);
}

TEST_F(RegistryTest, EveryChangeMovesTheEtagAndTheUpdateTime) {
  const ModelPointer before = Create("face");
  ModelChange change;
  change.tags = {"a"};
  const ModelPointer after = Update(before, change).value();
  EXPECT_GT(after->etag, before->etag);
  EXPECT_GT(after->update_time_ms, before->update_time_ms);
  EXPECT_EQ(after->create_time_ms, before->create_time_ms);
  EXPECT_EQ(registry_->snapshot()->FindById(kProject, before->id), after);
}

TEST_F(RegistryTest, DeletesOnceAndNeverGivesTheIdAgain) {
  const ModelPointer model = Create("face");
  EXPECT_TRUE(registry_->Delete(kProject, model->id, kActor).ok());
  const Status again = registry_->Delete(kProject, model->id, kActor);
  EXPECT_EQ(again.code(), StatusCode::kNotFound);
  EXPECT_EQ(again.message(), "Requested entity was not found.");
  EXPECT_EQ(registry_->snapshot()->FindByName(kProject, "face"), nullptr);
  EXPECT_NE(Create("face")->id, model->id);
}

TEST_F(RegistryTest, FindsEverythingAgainAfterARestart) {
  ModelChange change = NewModel("face");
  change.tags = {"a", "b"};
  change.file = ValidFile("one");
  const ModelPointer before = registry_->Create(kProject, change, kActor).value();
  ASSERT_TRUE(Update(before, WithPublished(true)).ok());
  Reopen();
  const ModelPointer after = registry_->snapshot()->FindByName(kProject, "face");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->tags, before->tags);
  EXPECT_EQ(after->published, 1);
  ASSERT_EQ(after->versions.size(), 1u);
  EXPECT_EQ(after->versions[0].digest, DigestOf("one"));
}

TEST_F(RegistryTest, PrunesAllButTheNewestAndThePublished) {
  ModelPointer model = Create("face");
  for (int i = 0; i < 5; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
    if (i == 1) model = Update(model, WithPublished(true)).value();
    if (i == 1) {
      // Stays at version 2 from here on.
      ModelChange quiet = WithFile(ValidFile("quiet"));
      quiet.file_moves_published = false;
      model = Update(model, quiet).value();
      ModelChange back;
      back.published_version = 2;
      model = Update(model, back).value();
    }
    if (i > 1) {
      ModelChange back;
      back.published_version = 2;
      model = Update(model, back).value();
    }
  }
  ASSERT_EQ(model->latest, 6);
  EXPECT_EQ(registry_->PruneVersions(2).value(), 3);
  Reopen();
  std::vector<int64_t> kept;
  for (const Version& version : registry_->snapshot()->FindByName(kProject, "face")->versions) {
    kept.push_back(version.number);
  }
  EXPECT_EQ(kept, (std::vector<int64_t>{2, 5, 6}));
  EXPECT_EQ(registry_->PruneVersions(2).value(), 0);
}

TEST_F(RegistryTest, PagesStayStableWhileModelsComeAndGo) {
  std::set<std::string> expected;
  for (int i = 0; i < 7; ++i) expected.insert(Create("m" + std::to_string(i))->display_name);
  std::set<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    const ModelPage page = ListModels(*registry_->snapshot(), kProject, "", 2, token).value();
    for (const ModelPointer& model : page.models) {
      EXPECT_TRUE(seen.insert(model->display_name).second) << model->display_name << " twice";
    }
    token = page.next_page_token;
    Create("new" + std::to_string(pages));  // Newer than all pages: never in the way.
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(pages, 4);
}

TEST_F(RegistryTest, TheLastPageHasNoToken) {
  for (const char* name : {"a-1", "a-2", "a-3", "b"}) Create(name);
  const auto list = [&](std::string_view token) {
    return ListModels(*registry_->snapshot(), kProject, "display_name:a*", 2, token).value();
  };
  const ModelPage first = list("");
  ASSERT_EQ(first.models.size(), 2u);
  EXPECT_EQ(first.models[0]->display_name, "a-3") << "the newest comes first";
  const ModelPage second = list(first.next_page_token);
  EXPECT_EQ(second.models.size(), 1u);
  EXPECT_EQ(second.next_page_token, "");
}

TEST_F(RegistryTest, RefusesBadPages) {
  const auto code = [&](int size, std::string_view token) {
    return ListModels(*registry_->snapshot(), kProject, "", size, token).status().code();
  };
  EXPECT_EQ(code(101, ""), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(-1, ""), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(1, "!"), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(1, "MTIz"), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(1, std::string(1000, 'A')), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit::server
