#include "server/jobs/verifier.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "crypto/crypto.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

constexpr int64_t kProject = 7;

// Stands for whatever throws while a file is read.
class ThrowingLogger final : public Logger {
 public:
  void Log(LogLevel /*level*/, std::string_view /*message*/,
           std::initializer_list<LogField> /*fields*/) override {
    throw std::runtime_error("thrown");
  }
};

class VerifierTest : public ::testing::Test {
 protected:
  // A model whose file waits for its verification.
  ModelPointer CreatePending(uint64_t size_bytes) {
    auto upload = blobs_->StartUpload().value();
    EXPECT_TRUE(upload->Append(AsBytes(std::string_view("no model"))).ok());
    ObjectWrite write;
    write.project_number = kProject;
    write.bucket = "bucket";
    write.name = "big";
    const Object object = objects_.Finish(write, *upload).value();
    ModelChange create;
    create.display_name = "face";
    create.pending_file = PendingFile{object.Uri(), object.digest, size_bytes};
    return registry_->Create(kProject, create, "test").value();
  }
  bool FinishOperations(ModelIntake& intake) {
    return Verifier::FinishOperations(*registry_, intake, logger_, [] { return false; }, &tries_);
  }
  ModelPointer Find() { return registry_->snapshot()->FindByName(kProject, "face"); }

  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem fs_{&clock_};
  std::unique_ptr<Database> db_ = OpenSqliteDatabaseOn(fs_, "godwit.db", clock_, logger_).value();
  std::unique_ptr<BlobStore> blobs_ = OpenBlobStore(fs_, "data", {}).value();
  std::unique_ptr<Registry> registry_ = Registry::Open(*db_, clock_).value();
  ObjectStore objects_{*db_, *blobs_, clock_};
  Verifier::Tries tries_;
};

TEST_F(VerifierTest, BytesThatAreOthersEndTheOperationWithAnError) {
  const ModelPointer model = CreatePending(9);
  ModelIntake intake(objects_, logger_);
  for (int i = 1; i < Verifier::kOtherBytesTriesMax; ++i) EXPECT_FALSE(FinishOperations(intake));
  EXPECT_TRUE(FinishOperations(intake));
  EXPECT_EQ(Find()->active_operation, "");
  const auto operation = registry_->FindOperation(kProject, model->active_operation).value();
  EXPECT_EQ(operation->error.code(), StatusCode::kDataLoss);
}

TEST_F(VerifierTest, WhatThrowsIsTriedAgainAndThenGivenUp) {
  const ModelPointer model = CreatePending(8);
  ThrowingLogger throwing;
  ModelIntake intake(objects_, throwing);
  for (int i = 1; i < Verifier::kTriesMax; ++i) ASSERT_FALSE(FinishOperations(intake)) << i;
  EXPECT_EQ(Find()->active_operation, model->active_operation);
  EXPECT_TRUE(FinishOperations(intake));
  EXPECT_EQ(Find()->active_operation, "");
  const auto operation = registry_->FindOperation(kProject, model->active_operation).value();
  EXPECT_EQ(operation->error.code(), StatusCode::kInternal);
  EXPECT_NE(operation->error.message().find("thrown"), std::string::npos);
  EXPECT_TRUE(tries_.empty());
}

}  // namespace
}  // namespace godwit::server
