#include "server/storage/upload_sessions.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"
#include "server/storage/storage_under_test.h"

namespace godwit::server {
namespace {

using testing::FaultFileSystem;

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

TEST(UploadSessions, AreForgottenAfterAWeek) {
  testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  const std::string old = storage.sessions.Start(WriteOf("old"), std::nullopt).value();
  clock.Advance(UploadSessions::kLifetimeMs);
  EXPECT_TRUE(storage.sessions.Acquire(old).ok());
  const std::string young = storage.sessions.Start(WriteOf("young"), std::nullopt).value();
  clock.Advance(1);
  EXPECT_EQ(storage.sessions.Acquire(old).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(
      storage.sessions.RemoveStartedBefore(clock.NowMs() - UploadSessions::kLifetimeMs).value(), 1);
  EXPECT_EQ(storage.sessions.BlobUploadIds()->size(), 1u);
  EXPECT_EQ(fs.List("data/uploads")->size(), 2u);  // The young one's bytes and their journal.
  EXPECT_TRUE(storage.sessions.Acquire(young).ok());
}

TEST(UploadSessions, AFullDiskAtTheEndLosesNothing) {
  const testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  const std::string id = storage.sessions.Start(WriteOf("x"), std::nullopt).value();
  {
    auto lease = storage.sessions.Acquire(id);
    ASSERT_TRUE(lease.ok());
    ASSERT_TRUE((*lease)->upload()->Append(AsBytes("bytes")).ok());
    fs.SetReadOnly(true);
    EXPECT_FALSE((*lease)->Finish({}).ok());
    fs.SetReadOnly(false);
  }
  auto lease = storage.sessions.Acquire(id);
  ASSERT_TRUE(lease.ok()) << lease.status().ToString();
  const auto object = (*lease)->upload() != nullptr ? (*lease)->Finish({}) : (*lease)->Finished();
  ASSERT_TRUE(object.ok()) << object.status().ToString();
  EXPECT_EQ(storage.Read(*object), "bytes");
}

TEST(UploadSessions, ADroppedOneLeavesNothing) {
  const testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  fs.SetFreeBytes(300 << 20);
  EXPECT_EQ(storage.sessions.Start(WriteOf("x"), 400 << 20).status().code(),
            StatusCode::kNotEnoughSpace);
  EXPECT_TRUE(fs.List("data/uploads")->empty());
  const std::string id = storage.sessions.Start(WriteOf("x"), std::nullopt).value();
  auto lease = storage.sessions.Acquire(id);
  ASSERT_TRUE((*lease)->upload()->Append(AsBytes("bytes")).ok());
  EXPECT_EQ((*lease)->upload()->Reserve(400 << 20).code(), StatusCode::kNotEnoughSpace);
  EXPECT_TRUE((*lease)->Drop().ok());
  lease->reset();
  EXPECT_TRUE(fs.List("data/uploads")->empty());
  EXPECT_EQ(storage.sessions.Acquire(id).status().code(), StatusCode::kNotFound);
}

TEST(UploadSessions, AWrongHashEndsTheSession) {
  const testing::ManualClock clock;
  NullLogger logger;
  FaultFileSystem fs(&clock);
  Storage storage(fs, clock, logger);
  const std::string id = storage.sessions.Start(WriteOf("x"), std::nullopt).value();
  {
    auto lease = storage.sessions.Acquire(id);
    ASSERT_TRUE((*lease)->upload()->Append(AsBytes("bytes")).ok());
    EXPECT_EQ((*lease)->Finish({"AAAAAA==", ""}).status().code(), StatusCode::kDataLoss);
  }
  EXPECT_EQ(storage.sessions.Acquire(id).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(storage.objects.Find(kProject, "bucket", "x").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace godwit::server
