#include "server/storage/upload_sessions.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

using testing::FaultFileSystem;

constexpr int64_t kProject = 7;

ObjectWrite WriteOf(const std::string& name) {
  ObjectWrite write;
  write.project_number = kProject;
  write.bucket = "bucket";
  write.name = name;
  return write;
}

// The storage of one server's life.
struct Storage {
  Storage(FaultFileSystem& fs, const Clock& clock, Logger& logger)
      : db(OpenSqliteDatabaseOn(fs, "godwit.db", clock, logger).value()),
        blobs(OpenBlobStore(fs, "data", {}).value()),
        objects(*db, *blobs, clock),
        sessions(*db, objects, clock) {}

  std::string Read(const Object& object) {
    std::string bytes(object.size_bytes, '\0');
    const auto file = blobs->Open(object.digest);
    if (!file.ok()) return "no such blob";
    const auto count = (*file)->ReadAt(0, std::as_writable_bytes(std::span(bytes)));
    return count.ok() && *count == bytes.size() ? bytes : "short";
  }

  std::unique_ptr<Database> db;
  std::unique_ptr<BlobStore> blobs;
  ObjectStore objects;
  UploadSessions sessions;
};

// What a client was told before the power failed.
struct Acknowledged {
  std::string session;
  uint64_t bytes = 0;
  bool object = false;
};

Acknowledged UploadUntilPowerFails(Storage& storage, const std::string& content) {
  Acknowledged told;
  const auto session = storage.sessions.Start(WriteOf("object"), std::nullopt);
  if (!session.ok()) return told;
  told.session = *session;
  const size_t half = content.size() / 2;
  for (const std::string& piece : {content.substr(0, half), content.substr(half)}) {
    auto lease = storage.sessions.Acquire(told.session);
    if (!lease.ok() || !(*lease)->upload()->Append(AsBytes(piece)).ok() ||
        !(*lease)->upload()->Sync().ok()) {
      return told;
    }
    told.bytes += piece.size();
  }
  auto lease = storage.sessions.Acquire(told.session);
  told.object = lease.ok() && (*lease)->Finish({}).ok();
  return told;
}

class UploadCrashTest : public ::testing::TestWithParam<testing::PowerLossMode> {};

// Aim: whatever operation the power fails at, what was acknowledged is there, and the client can
// finish. Method: one upload in two pieces dies at each operation in turn, then goes on.
TEST_P(UploadCrashTest, AnInterruptedUploadGoesOnFromWhatWasAcknowledged) {
  const testing::ManualClock clock;
  NullLogger logger;
  const std::string content = "the first half and the second half";
  const uint64_t seed = std::random_device()();
  for (uint64_t crash_at = 0;; ++crash_at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(crash_at));
    FaultFileSystem fs(&clock);
    Acknowledged told;
    {
      Storage storage(fs, clock, logger);
      fs.CrashAt(crash_at);
      told = UploadUntilPowerFails(storage, content);
    }
    const bool died = fs.crashed();
    fs.PowerLoss(GetParam(), seed + crash_at);
    Storage storage(fs, clock, logger);
    auto object = storage.objects.Find(kProject, "bucket", "object");
    EXPECT_TRUE(object.ok() || !told.object);
    if (!object.ok() && !told.session.empty()) {
      auto lease = storage.sessions.Acquire(told.session);
      ASSERT_TRUE(lease.ok()) << lease.status().ToString();
      if (BlobUpload* upload = (*lease)->upload()) {
        ASSERT_GE(upload->size_bytes(), told.bytes);
        ASSERT_LE(upload->size_bytes(), content.size());
        ASSERT_TRUE(upload->Append(AsBytes(content.substr(upload->size_bytes()))).ok());
        object = (*lease)->Finish({});
      } else {
        object = (*lease)->Finished();  // It had been about to become one.
      }
      ASSERT_TRUE(object.ok()) << object.status().ToString();
    }
    if (object.ok()) {
      EXPECT_EQ(storage.Read(*object), content);
    }
    if (!died || HasFailure()) {
      EXPECT_TRUE(told.object);
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, UploadCrashTest, ::testing::ValuesIn(testing::kAllPowerLossModes),
                         [](const auto& mode) {
                           return std::string(testing::PowerLossModeName(mode.param));
                         });

TEST(ObjectStore, AFullDiskRefusesAndKeepsWhatWasThere) {
  const testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  const auto put = [&](const std::string& bytes) -> Status {
    auto upload = storage.blobs->StartUpload();
    if (!upload.ok()) return upload.status();
    const Status appended = (*upload)->Append(AsBytes(bytes));
    const Status outcome =
        appended.ok() ? storage.objects.Finish(WriteOf("x"), **upload).status() : appended;
    (void)(*upload)->Cancel();
    return outcome;
  };
  ASSERT_TRUE(put("first").ok());
  fs.SetFreeBytes(1 << 20);
  EXPECT_EQ(put(std::string(2 << 20, 'x')).code(), StatusCode::kNotEnoughSpace);
  EXPECT_EQ(storage.Read(*storage.objects.Find(kProject, "bucket", "x")), "first");
  fs.SetFreeBytes(std::nullopt);
  fs.SetReadOnly(true);
  EXPECT_FALSE(put("second").ok());
  fs.SetReadOnly(false);
  EXPECT_TRUE(put("third").ok());
  EXPECT_EQ(storage.Read(*storage.objects.Find(kProject, "bucket", "x")), "third");
}

TEST(ObjectStore, ABucketBelongsToTheProjectThatWroteItFirst) {
  const testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  ASSERT_TRUE(storage.objects.CreateBucket(kProject, "bucket").ok());
  constexpr int64_t kOther = kProject + 1;
  EXPECT_EQ(storage.objects.CreateBucket(kOther, "bucket").status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage.objects.Find(kOther, "bucket", "x").status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage.objects.List(kOther, "bucket", {}).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage.objects.Delete(kOther, {"bucket", "x", {}, {}}).code(),
            StatusCode::kPermissionDenied);
  EXPECT_TRUE(storage.objects.ListBuckets(kOther)->empty());
}

}  // namespace
}  // namespace godwit::server
