// Aliases, rollbacks, and validation that outlives its request.
#include "server/registry/registry_fixture.h"

namespace godwit::server {
namespace {

TEST_F(RegistryTest, AnAliasPointsToAVersionAndKeepsIt) {
  ModelPointer model = Create("face");
  const auto set = [&](std::string_view alias, int64_t version) {
    return registry_->SetAlias(kProject, model->id, alias, version, kActor);
  };
  EXPECT_EQ(set("stable", 1).status().code(), StatusCode::kNotFound);
  for (int i = 0; i < 4; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
  }
  model = set("stable", 1).value();
  const int64_t etag = model->etag;
  EXPECT_EQ(set("stable", 1).value()->etag, etag) << "nothing changed";
  model = set("beta", 2).value();
  EXPECT_EQ(model->aliases, (std::vector<Alias>{{"beta", 2}, {"stable", 1}}));
  EXPECT_GT(model->etag, etag);
  EXPECT_EQ(registry_->PruneVersions(1).value(), 1);
  Reopen();
  model = registry_->snapshot()->FindByName(kProject, "face");
  EXPECT_EQ(model->aliases, (std::vector<Alias>{{"beta", 2}, {"stable", 1}}));
  EXPECT_EQ(set("stable", 3).status().code(), StatusCode::kNotFound) << "pruned";
  model = set("stable", 4).value();
  EXPECT_EQ(registry_->PruneVersions(1).value(), 1);
  EXPECT_EQ(registry_->DeleteAlias(kProject, model->id, "none", kActor).status().code(),
            StatusCode::kNotFound);
  model = registry_->DeleteAlias(kProject, model->id, "beta", kActor).value();
  EXPECT_EQ(model->aliases, (std::vector<Alias>{{"stable", 4}}));
  for (const std::string& bad : {std::string(), std::string("7"), std::string("7a"),
                                 std::string("A"), std::string("a b"), std::string(33, 'a')}) {
    EXPECT_EQ(set(bad, 4).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  for (size_t i = 1; i < kAliasesMax; ++i) ASSERT_TRUE(set("a" + std::to_string(i), 4).ok());
  EXPECT_EQ(set("more", 4).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(RegistryTest, RollsBackAgainAndAgain) {
  ModelPointer model = Create("face");
  const auto roll_back = [&](RollbackRequest request = {}) {
    return registry_->RollBack(kProject, model->id, request, kActor);
  };
  EXPECT_EQ(roll_back().status().code(), StatusCode::kFailedPrecondition);
  for (int i = 1; i <= 4; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
    model = Update(model, WithPublished(true)).value();
    EXPECT_EQ(model->rollback_version, i - 1);
  }
  EXPECT_EQ(roll_back().value()->published, 3);
  EXPECT_EQ(roll_back().value()->published, 2) << "further back, not to 4 again";
  Reopen();
  ModelChange publish;
  publish.published_version = 4;
  ASSERT_TRUE(Update(model, publish).ok());
  EXPECT_EQ(roll_back().value()->published, 2);
  EXPECT_EQ(roll_back().value()->published, 1);
  EXPECT_EQ(roll_back().status().code(), StatusCode::kFailedPrecondition);

  ASSERT_TRUE(Update(model, publish).ok());
  ASSERT_TRUE(Update(model, WithPublished(false)).ok());
  EXPECT_EQ(roll_back().value()->published, 4) << "what devices had before they had nothing";
  EXPECT_EQ(roll_back().value()->published, 1);

  std::vector<std::string> history;
  const auto rows = registry_->ListPublications(kProject, model->id, 0, 100).value();
  for (const Publication& row : rows) {
    history.push_back(row.action + " " + std::to_string(row.version));
    EXPECT_EQ(row.actor, kActor);
  }
  EXPECT_EQ(history, (std::vector<std::string>{"rollback 1", "rollback 4", "unpublish 0",
                                               "publish 4", "rollback 1", "rollback 2", "publish 4",
                                               "rollback 2", "rollback 3", "publish 4", "publish 3",
                                               "publish 2", "publish 1"}));
}

TEST_F(RegistryTest, RollsBackToAVersionThatWasPublishedBefore) {
  ModelPointer model = Create("face");
  for (int i = 1; i <= 4; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
    if (i != 2) {
      ModelChange publish;
      publish.published_version = i;
      model = Update(model, publish).value();
    }
  }
  const auto roll_back = [&](int64_t from, int64_t to) {
    return registry_->RollBack(kProject, model->id, {from, to}, kActor);
  };
  EXPECT_EQ(model->published, 4);
  EXPECT_EQ(roll_back(3, 0).status().code(), StatusCode::kFailedPrecondition) << "4 is published";
  EXPECT_EQ(roll_back(4, 2).value()->published, 2) << "the file of a published model went out";
  EXPECT_EQ(roll_back(4, 2).value()->published, 2) << "the same request, sent again";
  EXPECT_EQ(roll_back(4, 1).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(roll_back(2, 3).status().code(), StatusCode::kFailedPrecondition)
      << "3 was published after 2, which is no way back";
  EXPECT_EQ(roll_back(2, 1).value()->published, 1);
  EXPECT_EQ(roll_back(0, 0).status().code(), StatusCode::kFailedPrecondition) << "1 is published";
  ASSERT_TRUE(Update(model, WithPublished(false)).ok());
  EXPECT_EQ(roll_back(0, 0).value()->published, 1) << "nothing was published";
  EXPECT_EQ(roll_back(0, 0).value()->published, 1) << "the same request, sent again";
}

TEST_F(RegistryTest, AVersionThatARollbackNeedsIsKept) {
  ModelPointer model = Create("face");
  for (int i = 1; i <= 5; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
  }
  for (const int64_t version : {1, 4, 5}) {
    ModelChange publish;
    publish.published_version = version;
    model = Update(model, publish).value();
  }
  ASSERT_EQ(model->published, 5);
  ASSERT_EQ(model->rollback_version, 4);
  model = registry_->RollBack(kProject, model->id, {}, kActor).value();
  ASSERT_EQ(model->rollback_version, 1);
  EXPECT_EQ(registry_->DeleteVersion(kProject, model->id, 1, kActor).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(registry_->DeleteVersion(kProject, model->id, 4, kActor).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(registry_->PruneVersions(1).value(), 2) << "2 and 3 go";
  EXPECT_EQ(registry_->RollBack(kProject, model->id, {}, kActor).value()->published, 1);
}

TEST_F(RegistryTest, DeletesAVersionThatNothingPointsTo) {
  ModelPointer model = Create("face");
  for (int i = 1; i <= 3; ++i) {
    model = Update(model, WithFile(ValidFile(std::to_string(i)))).value();
  }
  const auto erase = [&](int64_t number) {
    return registry_->DeleteVersion(kProject, model->id, number, kActor).status().code();
  };
  ASSERT_TRUE(registry_->SetAlias(kProject, model->id, "stable", 1, kActor).ok());
  EXPECT_EQ(erase(1), StatusCode::kFailedPrecondition) << "an alias";
  EXPECT_EQ(erase(3), StatusCode::kFailedPrecondition) << "the latest";
  EXPECT_EQ(erase(2), StatusCode::kOk);
  EXPECT_EQ(erase(2), StatusCode::kNotFound);
  Reopen();
  EXPECT_EQ(registry_->snapshot()->FindByName(kProject, "face")->versions.size(), 2u);
}

TEST_F(RegistryTest, AModelIsLockedUntilItsFileIsVerified) {
  ModelChange create = NewModel("face");
  create.pending_file = BigFile("one");
  ModelPointer model = registry_->Create(kProject, create, kActor).value();
  EXPECT_NE(model->active_operation, "");
  EXPECT_NE(model->validation_error, "");
  EXPECT_EQ(model->source_uri, "gs://bucket/one");
  const auto expect_locked = [&](const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.message();
    EXPECT_NE(status.message().find("is locked"), std::string::npos);
  };
  expect_locked(Update(model, WithPublished(true)).status());
  expect_locked(Update(model, NewModel("other")).status());
  expect_locked(registry_->Delete(kProject, model->id, kActor));
  expect_locked(registry_->RollBack(kProject, model->id, {}, kActor).status());
  expect_locked(registry_->SetAlias(kProject, model->id, "stable", 1, kActor).status());

  Reopen();
  const std::vector<Operation> operations = registry_->ActiveOperations().value();
  ASSERT_EQ(operations.size(), 1u);
  model = registry_->snapshot()->FindByName(kProject, "face");
  EXPECT_EQ(model->active_operation, operations[0].id);
  ASSERT_TRUE(registry_->FinishOperation(operations[0], ValidFile("one")).ok());
  ASSERT_TRUE(registry_->FinishOperation(operations[0], InvalidFile()).ok()) << "done already";
  model = registry_->snapshot()->FindByName(kProject, "face");
  EXPECT_EQ(model->active_operation, "");
  EXPECT_EQ(model->validation_error, "");
  EXPECT_EQ(model->latest, 1);
  EXPECT_TRUE(registry_->ActiveOperations()->empty());

  const Operation done = registry_->FindOperation(kProject, operations[0].id).value().value();
  EXPECT_EQ(done.done_time_ms, clock_.NowMs());
  EXPECT_TRUE(done.error.ok());
  EXPECT_FALSE(registry_->FindOperation(kProject + 1, done.id)->has_value());
  EXPECT_EQ(registry_->RemoveOperationsDoneBefore(done.done_time_ms).value(), 0);
  EXPECT_EQ(registry_->RemoveOperationsDoneBefore(done.done_time_ms + 1).value(), 1);
}

TEST_F(RegistryTest, AChangeTakesEffectWithItsFileOrNotAtAll) {
  ModelPointer model = Create("face");
  const struct {
    const char* what;
    std::optional<bool> published;
    std::string name;
    Result<SubmittedFile> file;
    StatusCode error;
  } rows[] = {
      {"a valid file", true, "voice", ValidFile("one"), StatusCode::kOk},
      {"an invalid one is not published", true, "other", InvalidFile(),
       StatusCode::kFailedPrecondition},
      {"one that is gone",
       {},
       "other",
       Status(StatusCode::kNotFound, "gone"),
       StatusCode::kNotFound},
      {"a name that was taken meanwhile",
       {},
       "taken",
       ValidFile("two"),
       StatusCode::kAlreadyExists},
      {"a valid file of a published model", {}, "voice", ValidFile("three"), StatusCode::kOk},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    ModelChange change = NewModel(row.name);
    change.tags = {"tag"};
    change.published = row.published;
    change.pending_file = BigFile("file");
    const ModelPointer before = Update(model, change).value();
    EXPECT_EQ(before->display_name, model->display_name) << "not yet";
    if (row.error == StatusCode::kAlreadyExists) Create("taken");
    const Operation operation = registry_->ActiveOperations()->at(0);
    ASSERT_TRUE(registry_->FinishOperation(operation, row.file).ok());
    const ModelPointer after = registry_->snapshot()->FindById(kProject, model->id);
    EXPECT_EQ(registry_->FindOperation(kProject, operation.id).value()->error.code(), row.error);
    EXPECT_EQ(after->active_operation, "");
    if (row.error == StatusCode::kOk) {
      EXPECT_EQ(after->display_name, row.name);
      EXPECT_EQ(after->tags, *change.tags);
      EXPECT_EQ(after->published, after->latest);
      EXPECT_EQ(after->latest, model->latest + 1);
    } else {
      EXPECT_EQ(after->display_name, model->display_name);
      EXPECT_EQ(after->published, model->published);
      EXPECT_EQ(after->latest, model->latest);
    }
    Reopen();
    model = registry_->snapshot()->FindById(kProject, model->id);
    EXPECT_EQ(model->display_name, after->display_name);
    EXPECT_EQ(model->active_operation, "");
  }
}

TEST_F(RegistryTest, ManyTogglesMakeNoLongWayBack) {
  const ModelPointer model = Create("face");
  for (const char* content : {"v1", "v2"}) {
    ASSERT_TRUE(Update(model, WithFile(ValidFile(content))).ok());
    ASSERT_TRUE(Update(model, WithPublished(true)).ok());
  }
  constexpr int kToggles = 60;
  for (int i = 0; i < kToggles; ++i) ASSERT_TRUE(Update(model, WithPublished(i % 2 != 0)).ok());
  const auto rows = registry_->ListPublications(kProject, model->id, 0, 2 * kToggles).value();
  EXPECT_GE(rows.size(), static_cast<size_t>(kToggles));
  int steps = 0;
  for (int64_t number = rows[0].number; number != 0; ++steps) {
    number = rows.at(static_cast<size_t>(rows[0].number - number)).previous;
  }
  EXPECT_EQ(steps, 2) << "the second version above the first";
  const auto back = registry_->RollBack(kProject, model->id, {}, kActor);
  EXPECT_EQ((*back)->published, 1);
}

TEST_F(RegistryTest, KnowsACreateThatIsSentAgain) {
  const ModelPointer model = registry_->Create(kProject, NewModel("face"), kActor, "hash").value();
  const auto find = [&](std::string_view request, int64_t after_ms) {
    return registry_->FindRepeatedCreate(kProject, "face", request, after_ms).value();
  };
  EXPECT_EQ(find("hash", model->create_time_ms), model);
  EXPECT_FALSE(find("other", model->create_time_ms));
  EXPECT_FALSE(find("", model->create_time_ms));
  EXPECT_FALSE(find("hash", model->create_time_ms + 1));
}

TEST_F(RegistryTest, KnowsACreateWhoseFileWasVerifiedMeanwhile) {
  ModelChange change = NewModel("face");
  change.pending_file = BigFile("v1");
  const ModelPointer model = registry_->Create(kProject, change, kActor, "hash").value();
  Reopen();
  const Operation operation = registry_->ActiveOperations().value().at(0);
  ASSERT_TRUE(registry_->FinishOperation(operation, ValidFile("v1")).ok());
  const auto found =
      registry_->FindRepeatedCreate(kProject, "face", "hash", model->create_time_ms).value();
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->latest, 1);
}

}  // namespace
}  // namespace godwit::server
