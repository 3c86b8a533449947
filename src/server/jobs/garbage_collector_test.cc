#include "server/jobs/garbage_collector.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"
#include "server/access/access_snapshot.h"
#include "server/jobs/verifier.h"
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

TEST_F(GarbageCollectorTest, KeepsAGoldenFileAsLongAsAVersionHasIt) {
  const ModelPointer model = PushVersion("", Put("model", "model"));
  const Object golden = Put("golden", "golden");
  ASSERT_TRUE(
      registry_->SetGolden(kProject, model->id, 1, Golden{golden.digest, golden.size_bytes}, "test")
          .ok());
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "golden", {}, {}}).ok());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
    clock_.Advance(27 * kHourMs);
  }
  EXPECT_TRUE(Exists(golden));
  ASSERT_TRUE(registry_->SetGolden(kProject, model->id, 1, std::nullopt, "test").ok());
  EXPECT_EQ(collector_.Collect()->blobs_removed, 0);
  clock_.Advance(27 * kHourMs);
  EXPECT_EQ(collector_.Collect()->blobs_removed, 1);
  EXPECT_FALSE(Exists(golden));
}

TEST_F(GarbageCollectorTest, RemembersAgesOverRestarts) {
  const Object lost = Put("lost", "lost");
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "lost", {}, {}}).ok());
  ASSERT_TRUE(collector_.Collect().ok());
  clock_.Advance(27 * kHourMs);
  GarbageCollector restarted(*db_, *registry_, objects_, sessions_, clock_, logger_, {});
  ASSERT_TRUE(restarted.Start().ok());
  EXPECT_EQ(restarted.Collect()->blobs_removed, 1);
  EXPECT_FALSE(Exists(lost));
}

TEST_F(GarbageCollectorTest, ABlobThatWasNamedWhenTheServerWentDownStartsAnew) {
  ASSERT_TRUE(Exists(Put("lost", "lost")));
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "lost", {}, {}}).ok());
  ASSERT_TRUE(collector_.Collect().ok());
  const Object again = Put("again", "lost");
  clock_.Advance(27 * kHourMs);
  GarbageCollector restarted(*db_, *registry_, objects_, sessions_, clock_, logger_, {});
  ASSERT_TRUE(restarted.Start().ok());
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "again", {}, {}}).ok());
  EXPECT_EQ(restarted.Collect()->blobs_removed, 0);
  EXPECT_TRUE(Exists(again));
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

TEST_F(GarbageCollectorTest, ANameBetweenTwoRoundsStartsAnew) {
  const Object object = Put("a", "bytes");
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "a", {}, {}}).ok());
  ASSERT_TRUE(collector_.Collect().ok());
  clock_.Advance(27 * kHourMs);
  Put("b", "bytes");
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

TEST_F(GarbageCollectorTest, ALinkThatWasHandedOutLastWorksUntilItExpires) {
  // Answers are signed for a time up to two minutes ahead.
  constexpr int64_t kSignedAheadMs = 2 * 60 * 1000;
  for (int minute = 0; minute < 60; minute += 7) {
    const std::string name = "m" + std::to_string(minute);
    const Object object = Put(name, name);
    ModelChange create;
    create.display_name = name;
    create.file = SubmittedFile{object.Uri(), "", object.digest, object.size_bytes, "{}"};
    const std::string id = registry_->Create(kProject, create, "test").value()->id;
    clock_.Advance(7 * 60 * 1000);
    const int64_t expiry_ms = AccessSnapshot::BlobLinkExpiryMs(clock_.NowMs() + kSignedAheadMs);
    ASSERT_TRUE(registry_->Delete(kProject, id, "test").ok());
    ASSERT_TRUE(objects_.Delete(kProject, {"bucket", name, {}, {}}).ok());
    ASSERT_TRUE(collector_.Collect().ok());
    clock_.Advance(expiry_ms - clock_.NowMs());
    ASSERT_TRUE(collector_.Collect().ok());
    EXPECT_TRUE(Exists(object)) << "minute " << minute;
    clock_.Advance(2 * kHourMs);
    ASSERT_TRUE(collector_.Collect().ok());
    EXPECT_FALSE(Exists(object)) << "minute " << minute;
  }
}

TEST_F(GarbageCollectorTest, ABlobThatIsStillToBeVerifiedStays) {
  const Object object = Put("big", "big");
  ModelChange create;
  create.display_name = "face";
  create.pending_file = PendingFile{object.Uri(), object.digest, object.size_bytes};
  const ModelPointer model = registry_->Create(kProject, create, "test").value();
  ASSERT_TRUE(objects_.Delete(kProject, {"bucket", "big", {}, {}}).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(collector_.Collect().ok());
    clock_.Advance(27 * kHourMs);
  }
  EXPECT_TRUE(Exists(object));
  ModelIntake intake(objects_, logger_);
  Verifier::Tries tries;
  EXPECT_TRUE(
      Verifier::FinishOperations(*registry_, intake, logger_, [] { return false; }, &tries));
  EXPECT_EQ(registry_->snapshot()->FindByName(kProject, "face")->validation_error,
            "Invalid flatbuffer format");
  EXPECT_TRUE(registry_->FindOperation(kProject, model->active_operation)->has_value());
  clock_.Advance(8 * 24 * kHourMs);
  ASSERT_TRUE(collector_.Collect().ok());
  EXPECT_FALSE(registry_->FindOperation(kProject, model->active_operation)->has_value());
  clock_.Advance(27 * kHourMs);
  EXPECT_EQ(collector_.Collect()->blobs_removed, 1);
}

// All that a collection needs, on a disk that may die.
struct Server {
  Server(testing::FaultFileSystem& fs, const Clock& clock, Logger& logger,
         const GarbageOptions& options)
      : db(OpenSqliteDatabaseOn(fs, "godwit.db", clock, logger).value()),
        blobs(OpenBlobStore(fs, "data", {}).value()),
        registry(Registry::Open(*db, clock).value()),
        objects(*db, *blobs, clock),
        sessions(*db, objects, clock),
        collector(*db, *registry, objects, sessions, clock, logger, options) {}
  std::unique_ptr<Database> db;
  std::unique_ptr<BlobStore> blobs;
  std::unique_ptr<Registry> registry;
  ObjectStore objects;
  UploadSessions sessions;
  GarbageCollector collector;
};

// Aim: wherever a collection dies, what is referred to is whole afterwards, and the next one ends
// the work. Method: a death at each of its disk operations in turn.
TEST(GarbageCollectorCrashTest, ADeathTakesNothingThatIsNeeded) {
  const uint64_t seed = std::random_device()();
  for (uint64_t crash_at = 0;; ++crash_at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(crash_at));
    testing::ManualClock clock;
    NullLogger logger;
    testing::FaultFileSystem fs(&clock);
    GarbageOptions options;
    options.versions_kept = 1;
    std::vector<Digest> digests;
    bool died = false;
    {
      Server server(fs, clock, logger, options);
      std::string id;
      for (int i = 0; i < 3; ++i) {
        auto upload = server.blobs->StartUpload().value();
        ASSERT_TRUE(upload->Append(AsBytes("version " + std::to_string(i))).ok());
        ObjectWrite write;
        write.project_number = kProject;
        write.bucket = "bucket";
        write.name = "o";
        const Object object = server.objects.Finish(write, *upload).value();
        digests.push_back(object.digest);
        ModelChange change;
        if (id.empty()) change.display_name = "face";
        change.file = SubmittedFile{object.Uri(), "", object.digest, object.size_bytes, "{}"};
        id = (id.empty() ? server.registry->Create(kProject, change, "test")
                         : server.registry->Update(kProject, id, change, "test"))
                 .value()
                 ->id;
      }
      ASSERT_TRUE(server.registry->SetAlias(kProject, id, "stable", 1, "test").ok());
      ASSERT_TRUE(server.collector.Collect().ok());
      clock.Advance(27 * kHourMs);
      fs.CrashAt(crash_at);
      static_cast<void>(server.collector.Collect().ok());
      died = fs.crashed();
    }
    fs.PowerLoss(testing::kAllPowerLossModes[crash_at % std::size(testing::kAllPowerLossModes)],
                 seed + crash_at);
    Server server(fs, clock, logger, options);
    for (int round = 0; round < 2; ++round) {
      const ModelPointer model = server.registry->snapshot()->FindByName(kProject, "face");
      for (const Version& version : model->versions) {
        EXPECT_TRUE(server.blobs->Open(version.digest).ok()) << version.number;
      }
      EXPECT_NE(model->FindVersion(1), nullptr);
      EXPECT_NE(model->FindVersion(3), nullptr);
      ASSERT_TRUE(server.collector.Collect().ok());
      clock.Advance(27 * kHourMs);
      ASSERT_TRUE(server.collector.Collect().ok());
    }
    EXPECT_FALSE(server.blobs->Open(digests[1]).ok());
    if (!died || ::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace godwit::server
