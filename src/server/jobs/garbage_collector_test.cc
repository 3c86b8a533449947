#include "server/jobs/garbage_collector.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

constexpr int64_t kProject = 7;
constexpr int64_t kHourMs = 3600 * 1000;

class GarbageCollectorTest : public ::testing::Test {
 protected:
  Object Put(const std::string& name, const std::string& bytes) {
    auto upload = blobs_->StartUpload().value();
    EXPECT_TRUE(upload->Append(AsBytes(bytes)).ok());
    ObjectWrite write;
    write.project_number = kProject;
    write.bucket = "bucket";
    write.name = name;
    return objects_.Finish(write, *upload).value();
  }
  ModelPointer PushVersion(const std::string& id, const Object& object) {
    ModelChange change;
    if (id.empty()) change.display_name = "face";
    change.file = SubmittedFile{object.Uri(), "", object.digest, object.size_bytes, "{}"};
    return id.empty() ? registry_->Create(kProject, change, "test").value()
                      : registry_->Update(kProject, id, change, "test").value();
  }
  bool Exists(const Object& object) { return blobs_->SizeOf(object.digest).ok(); }

  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem fs_{&clock_};
  std::unique_ptr<Database> db_ = OpenSqliteDatabaseOn(fs_, "godwit.db", clock_, logger_).value();
  std::unique_ptr<BlobStore> blobs_ = OpenBlobStore(fs_, "data", {}).value();
  std::unique_ptr<Registry> registry_ = Registry::Open(*db_, clock_).value();
  ObjectStore objects_{*db_, *blobs_, clock_};
  UploadSessions sessions_{*db_, objects_, clock_};
  GarbageCollector collector_{*db_, *registry_, objects_, sessions_, clock_, logger_, {}};
};

TEST_F(GarbageCollectorTest, RemovesABlob26HoursAfterItsLastName) {
  const Object kept = Put("kept", "kept");
  const Object lost = Put("lost", "lost");
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "lost", {}, {}}).ok());
  EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
  clock_.Advance(25 * kHourMs);
  EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
  EXPECT_TRUE(Exists(lost));
  clock_.Advance(2 * kHourMs);
  EXPECT_EQ(collector_.Collect()->blobs_removed, 1);
  EXPECT_FALSE(Exists(lost));
  EXPECT_TRUE(Exists(kept));
}

TEST_F(GarbageCollectorTest, ABlobThatIsNamedAgainStartsAnew) {
  const Object object = Put("a", "bytes");
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "a", {}, {}}).ok());
  ASSERT_TRUE(collector_.Collect().ok());
  clock_.Advance(27 * kHourMs);
  Put("b", "bytes");
  EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "b", {}, {}}).ok());
  EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
  EXPECT_TRUE(Exists(object));
}

TEST_F(GarbageCollectorTest, KeepsTenVersionsAndThePublishedOne) {
  const Object first = Put("object", "version 1");
  const std::string id = PushVersion("", first)->id;
  ModelChange publish;
  publish.published = true;
  ASSERT_TRUE(registry_->Update(kProject, id, publish, "test").ok());
  std::vector<Object> objects = {first};
  for (int i = 2; i <= 13; ++i) {
    objects.push_back(Put("object", "version " + std::to_string(i)));
    ModelChange change;
    change.file = SubmittedFile{objects.back().Uri(), "", objects.back().digest, 1, "{}"};
    change.file_moves_published = false;
    ASSERT_TRUE(registry_->Update(kProject, id, change, "test").ok());
  }
  EXPECT_EQ(collector_.Collect()->versions_removed, 2);
  clock_.Advance(26 * kHourMs);
  EXPECT_EQ(collector_.Collect()->blobs_removed, 2);
  for (size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(Exists(objects[i]), i != 1 && i != 2) << "version " << i + 1;
  }
}

TEST_F(GarbageCollectorTest, ForgetsUploadsAfterAWeekAndNotBefore) {
  ObjectWrite write;
  write.project_number = kProject;
  write.bucket = "bucket";
  write.name = "slow";
  const std::string id = sessions_.Start(write, std::nullopt).value();
  {
    auto lease = sessions_.Acquire(id).value();
    ASSERT_TRUE(lease->upload()->Append(AsBytes("some bytes")).ok());
    EXPECT_EQ(sessions_.Acquire(id).status().code(), StatusCode::kAborted)
        << "one request at a time";
  }
  clock_.Advance(6 * 24 * kHourMs);
  GarbageReport report = collector_.Collect().value();
  EXPECT_EQ(report.sessions_removed + report.uploads_removed, 0);
  EXPECT_EQ(sessions_.Acquire(id).value()->upload()->size_bytes(), 10u);
  clock_.Advance(2 * 24 * kHourMs);
  report = collector_.Collect().value();
  EXPECT_EQ(report.sessions_removed, 1);
  EXPECT_EQ(sessions_.Acquire(id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(blobs_->ListUploadsBefore(clock_.NowMs() + 1)->empty());
}

TEST_F(GarbageCollectorTest, RemovesBytesOfUploadsThatNoSessionKnows) {
  {
    auto abandoned = blobs_->StartUpload().value();
  }
  EXPECT_EQ(collector_.Collect()->uploads_removed, 0);
  clock_.Advance(27 * kHourMs);
  EXPECT_EQ(collector_.Collect()->uploads_removed, 1);
}

}  // namespace
}  // namespace godwit::server
