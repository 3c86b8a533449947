// Revoked bytes: no device gets them again, whatever else happens to the model.
#include "server/registry/registry_fixture.h"

namespace godwit::server {
namespace {

class RegistryRevocationTest : public RegistryTest {
 protected:
  // "face" with one version for each content.
  void CreateVersions(const std::vector<std::string>& contents) {
    model_ = Create("face");
    for (const std::string& content : contents) Push(content);
  }
  void Push(const std::string& content) {
    model_ = Update(model_, WithFile(ValidFile(content))).value();
  }
  Result<ModelPointer> Publish(int64_t version) {
    ModelChange change;
    change.published_version = version;
    return Update(model_, change);
  }
  Result<ModelPointer> Revoke(int64_t version) {
    return registry_->RevokeVersion(kProject, model_->id, version, "wrong", kActor);
  }
  Result<ModelPointer> Unrevoke(int64_t version) {
    return registry_->UnrevokeVersion(kProject, model_->id, version, kActor);
  }
  // What devices get; 0: nothing.
  int64_t Served() {
    const ModelPointer model = registry_->snapshot()->FindByName(kProject, "face");
    const Version* served = model->NewestUsable(model->published);
    return served == nullptr ? 0 : served->number;
  }

  ModelPointer model_;
};

TEST_F(RegistryRevocationTest, TheSameBytesAgainAreRevokedToo) {
  CreateVersions({"a", "b"});
  ASSERT_TRUE(Publish(2).ok());
  ASSERT_TRUE(Revoke(2).ok());
  Push("c");
  ASSERT_EQ(model_->published, 3);
  Push("b");
  EXPECT_EQ(model_->latest, 4);
  EXPECT_EQ(model_->published, 3) << "revoked bytes are not published by the way";
  const Status refused = Publish(4).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("face@4 has the bytes of face@2"), std::string::npos)
      << refused.message();
  EXPECT_EQ(registry_->SetAlias(kProject, model_->id, "beta", 4, kActor).status().code(),
            StatusCode::kFailedPrecondition);
  const int64_t etag = model_->etag;
  EXPECT_EQ(Revoke(4).value()->etag, etag) << "it is already";
  Reopen();
  ASSERT_TRUE(Unrevoke(4).ok());
  EXPECT_TRUE(Publish(4).ok()) << "by the address of either";
  EXPECT_TRUE(Publish(2).ok());
  ASSERT_TRUE(Revoke(4).ok());
  EXPECT_EQ(Served(), 1) << "also the version that had the bytes first";
}

TEST_F(RegistryRevocationTest, ARevokedVersionIsNeitherPrunedNorDeleted) {
  CreateVersions({"a", "b", "c", "d"});
  ASSERT_TRUE(Revoke(2).ok());
  EXPECT_EQ(registry_->PruneVersions(1).value(), 2);
  EXPECT_EQ(registry_->DeleteVersion(kProject, model_->id, 2, kActor).status().code(),
            StatusCode::kFailedPrecondition);
  Reopen();
  Push("b");
  EXPECT_FALSE(Publish(5).ok());
  ASSERT_TRUE(Unrevoke(2).ok());
  EXPECT_TRUE(registry_->DeleteVersion(kProject, model_->id, 2, kActor).ok());
}

TEST_F(RegistryRevocationTest, DoesNotWaitForAFileThatIsVerified) {
  CreateVersions({"a", "b"});
  ASSERT_TRUE(Publish(2).ok());
  ModelChange change;
  change.pending_file = BigFile("c");
  change.file_moves_published = false;
  change.tags = std::vector<std::string>{"new"};
  ASSERT_TRUE(Update(model_, change).ok());
  const ModelPointer locked = Revoke(2).value();
  EXPECT_FALSE(locked->active_operation.empty());
  EXPECT_EQ(Served(), 1);
  Reopen();
  ASSERT_TRUE(
      registry_->FinishOperation(registry_->ActiveOperations().value()[0], ValidFile("c")).ok());
  const ModelPointer done = registry_->snapshot()->FindByName(kProject, "face");
  EXPECT_EQ(done->latest, 3);
  EXPECT_EQ(done->tags, *change.tags);
  EXPECT_EQ(Served(), 1) << "the revocation is still there";
  Reopen();
  EXPECT_EQ(Served(), 1);
}

TEST_F(RegistryRevocationTest, ARollbackFindsWhatIsUsableAgain) {
  CreateVersions({"a", "b", "c"});
  for (const int64_t version : {1, 2}) ASSERT_TRUE(Publish(version).ok());
  ASSERT_TRUE(Revoke(2).ok());
  model_ = Publish(3).value();
  EXPECT_EQ(model_->rollback_version, 1);
  model_ = Unrevoke(2).value();
  EXPECT_EQ(model_->rollback_version, 2) << "revoked when 3 was published, and usable now";
  EXPECT_EQ(registry_->RollBack(kProject, model_->id, {}, kActor).value()->published, 2);
  EXPECT_EQ(registry_->RollBack(kProject, model_->id, {}, kActor).value()->published, 1);
}

TEST_F(RegistryRevocationTest, ARepeatedRollbackIsKnownThroughARevocation) {
  CreateVersions({"a", "b", "c"});
  for (const int64_t version : {1, 2, 3}) ASSERT_TRUE(Publish(version).ok());
  const auto roll_back = [&] { return registry_->RollBack(kProject, model_->id, {3, 0}, kActor); };
  ASSERT_TRUE(Revoke(1).ok());
  ASSERT_EQ(roll_back().value()->published, 2);
  EXPECT_EQ(roll_back().value()->published, 2) << "the row before is of what was published";
  ASSERT_TRUE(Revoke(3).ok());
  EXPECT_EQ(roll_back().value()->published, 2) << "a revocation since then moved nothing";
}

}  // namespace
}  // namespace godwit::server
