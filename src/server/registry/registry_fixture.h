// What the registry's tests share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "server/registry/registry.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {

inline constexpr int64_t kProject = 7;
inline constexpr char kPath[] = "godwit.db";
inline constexpr char kActor[] = "admin@test";

inline SubmittedFile ValidFile(const std::string& content) {
  return {"gs://bucket/" + content, "", DigestOf(std::string_view(content)), content.size(),
          R"({"operators":[]})"};
}

inline SubmittedFile InvalidFile() {
  return {"gs://bucket/bad", "Invalid flatbuffer format", {}, 0, ""};
}

inline ModelChange NewModel(std::string name) {
  ModelChange change;
  change.display_name = std::move(name);
  return change;
}

inline ModelChange WithFile(SubmittedFile file) {
  ModelChange change;
  change.file = std::move(file);
  return change;
}

inline ModelChange WithPublished(bool published) {
  ModelChange change;
  change.published = published;
  return change;
}

inline PendingFile BigFile(const std::string& content) {
  return {"gs://bucket/" + content, DigestOf(std::string_view(content)), content.size()};
}

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    registry_.reset();
    database_.reset();
    database_ = OpenSqliteDatabaseOn(fs_, kPath, clock_, logger_).value();
    registry_ = Registry::Open(*database_, clock_).value();
  }

  ModelPointer Create(const std::string& name) {
    clock_.Advance(1);
    return registry_->Create(kProject, NewModel(name), kActor).value();
  }
  Result<ModelPointer> Update(const ModelPointer& model, const ModelChange& change) {
    clock_.Advance(1);
    return registry_->Update(kProject, model->id, change, kActor);
  }

  int64_t ChangeCount() {
    int64_t count = -1;
    const Status read = database_->Read([&](SqlConnection& connection) -> Status {
      GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                              connection.Query("SELECT COUNT(*) FROM change_log"));
      count = rows[0].Int(0);
      return Status::Ok();
    });
    EXPECT_TRUE(read.ok());
    return count;
  }

  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem fs_{&clock_};
  std::unique_ptr<Database> database_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace godwit::server
