#include "server/blob/blob_store.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

using testing::FaultFileSystem;
using testing::kAllPowerLossModes;
using testing::ManualClock;
using testing::PowerLossMode;
using testing::PowerLossModeName;
using testing::SeedCount;

std::string MakeBytes(size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

const std::string kBytes = MakeBytes(2500);

std::span<const std::byte> Span(std::string_view bytes) { return std::as_bytes(std::span(bytes)); }

std::unique_ptr<BlobStore> OpenOn(FileSystem& fs, const BlobStoreOptions& options = {}) {
  auto store = OpenBlobStore(fs, "data", options);
  return store.ok() ? std::move(*store) : nullptr;
}

Result<BlobDescriptor> Put(BlobStore& store, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(const auto upload, store.StartUpload());
  const size_t half = bytes.size() / 2;
  GODWIT_RETURN_IF_ERROR(upload->Append(Span(bytes.substr(0, half))));
  GODWIT_RETURN_IF_ERROR(upload->Append(Span(bytes.substr(half))));
  return upload->Commit();
}

// The blob's bytes; "absent", or an error's text.
std::string Get(BlobStore& store, const Digest& digest) {
  const auto file = store.Open(digest);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return "absent";
  if (!file.ok()) return file.status().ToString();
  std::string bytes((*file)->Size().value(), '\0');
  EXPECT_EQ((*file)->ReadAt(0, std::as_writable_bytes(std::span(bytes))).value(), bytes.size());
  return bytes;
}

TEST(BlobStore, KeepsBytesByTheirDigest) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs);
  const Digest digest = DigestOf(std::string_view(kBytes));
  EXPECT_EQ(store->SizeOf(digest).status().code(), StatusCode::kNotFound);
  const auto blob = Put(*store, kBytes);
  ASSERT_TRUE(blob.ok()) << blob.status().ToString();
  EXPECT_EQ(*blob, (BlobDescriptor{digest, kBytes.size(), Crc32c(0, Span(kBytes))}));
  EXPECT_EQ(Get(*store, digest), kBytes);
  EXPECT_EQ(store->SizeOf(digest).value(), kBytes.size());
  EXPECT_EQ(Put(*store, kBytes).value(), *blob) << "the same bytes again";
  const auto empty = Put(*store, "");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(store->List().value().size(), 2u);
  EXPECT_TRUE(fs.List("data/uploads").value().empty());
  EXPECT_TRUE(store->Remove(digest).ok());
  EXPECT_TRUE(store->Remove(digest).ok());
  EXPECT_EQ(Get(*store, digest), "absent");
}

TEST(BlobStore, WorksOnTheRealDisk) {
  const testing::TempDirectory directory;
  const auto fs = NewPosixFileSystem();
  const auto store =
      OpenBlobStore(*fs, JoinPath(directory.path(), "new/data"), BlobStoreOptions{1 << 20, 0});
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const auto blob = Put(**store, kBytes);
  ASSERT_TRUE(blob.ok()) << blob.status().ToString();
  EXPECT_EQ(Get(**store, blob->digest), kBytes);
  EXPECT_GE((*store)->Open(blob->digest).value()->descriptor(), 0);
}

TEST(BlobStore, HealsADamagedBlobWhenItsBytesComeAgain) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs);
  const std::string hex = Put(*store, kBytes).value().digest.ToHex();
  const std::string path = "data/blobs/" + hex.substr(0, 2) + "/" + hex.substr(2, 2) + "/" + hex;
  ASSERT_TRUE(fs.Open(path, OpenMode::kReadWrite).value()->WriteAt(9, Span("damage")).ok());
  ASSERT_TRUE(Put(*store, kBytes).ok());
  EXPECT_EQ(Get(*store, DigestOf(std::string_view(kBytes))), kBytes);
}

// Whatever the instant and the manner of a power loss, a blob is whole or absent, an
// acknowledged one is there, and the bytes can be uploaded again.
TEST(BlobStore, HasABlobWholeOrNotAtAllWhateverTheInstantOfAPowerLoss) {
  const Digest digest = DigestOf(std::string_view(kBytes));
  for (const PowerLossMode mode : kAllPowerLossModes) {
    for (uint64_t seed = 0; seed < SeedCount(mode, 12); ++seed) {
      bool reached = true;
      for (uint64_t crash_at = 0; reached; ++crash_at) {
        SCOPED_TRACE(std::string(PowerLossModeName(mode)) + ", seed " + std::to_string(seed) +
                     ", operation " + std::to_string(crash_at));
        FaultFileSystem fs;
        fs.CrashAt(crash_at);
        bool acknowledged = false;
        if (const auto store = OpenOn(fs)) acknowledged = Put(*store, kBytes).ok();
        reached = fs.crashed();
        fs.PowerLoss(mode, seed);

        const auto store = OpenOn(fs);
        ASSERT_NE(store, nullptr);
        const std::string found = Get(*store, digest);
        ASSERT_TRUE(found == kBytes || (!acknowledged && found == "absent")) << found;
        ASSERT_TRUE(Put(*store, kBytes).ok());
        // What the first life left half done must not take away what the second promised.
        fs.PowerLoss(PowerLossMode::kDropped, seed);
        ASSERT_EQ(Get(*OpenOn(fs), digest), kBytes);
      }
    }
  }
}

// Uploads and syncs in pieces, dies, and resumes: the bytes that were acknowledged as synced are
// there, and whatever the store says is there are the bytes that were sent.
TEST(BlobStore, ResumesAnUploadWithNothingButSyncedBytesWhateverTheInstantOfAPowerLoss) {
  constexpr size_t kPieceBytes = 600;
  for (const PowerLossMode mode : kAllPowerLossModes) {
    for (uint64_t seed = 0; seed < SeedCount(mode, 12); ++seed) {
      bool reached = true;
      for (uint64_t crash_at = 0; reached; ++crash_at) {
        SCOPED_TRACE(std::string(PowerLossModeName(mode)) + ", seed " + std::to_string(seed) +
                     ", operation " + std::to_string(crash_at));
        FaultFileSystem fs;
        auto store = OpenOn(fs);
        auto upload = std::move(store->StartUpload().value());
        const std::string id = upload->id();
        fs.CrashAt(crash_at);
        size_t synced_bytes = 0;
        for (size_t at = 0; at < kBytes.size(); at += kPieceBytes) {
          const auto piece = std::string_view(kBytes).substr(at, kPieceBytes);
          if (!upload->Append(Span(piece)).ok() || !upload->Sync().ok()) break;
          synced_bytes = at + piece.size();
        }
        upload.reset();
        reached = fs.crashed();
        fs.PowerLoss(mode, seed);

        store = OpenOn(fs);
        auto resumed = store->ResumeUpload(id);
        ASSERT_TRUE(resumed.ok()) << resumed.status().ToString();
        const size_t found_bytes = (*resumed)->size_bytes();
        ASSERT_GE(found_bytes, synced_bytes);
        ASSERT_TRUE((*resumed)->Append(Span(std::string_view(kBytes).substr(found_bytes))).ok());
        ASSERT_EQ((*resumed)->Commit().value().digest, DigestOf(std::string_view(kBytes)));
      }
    }
  }
}

TEST(BlobUpload, IsFoundAgainWithAllItsBytesWhenItWasOnlyLetGo) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs);
  std::string id;
  {
    const auto upload = store->StartUpload().value().release();
    id = upload->id();
    EXPECT_TRUE(upload->Append(Span("half ")).ok());
    EXPECT_EQ(store->ResumeUpload(id).status().code(), StatusCode::kUnavailable) << "still open";
    delete upload;
  }
  const auto resumed = store->ResumeUpload(id);
  ASSERT_TRUE(resumed.ok()) << resumed.status().ToString();
  EXPECT_EQ((*resumed)->size_bytes(), 5u);
  ASSERT_TRUE((*resumed)->Append(Span("and half")).ok());
  EXPECT_EQ((*resumed)->Commit().value().digest, DigestOf(std::string_view("half and half")));
  EXPECT_EQ((*resumed)->Append(Span("more")).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE((*resumed)->Cancel().ok());
  EXPECT_EQ(store->ResumeUpload(id).status().code(), StatusCode::kNotFound);
}

TEST(BlobUpload, BeginsAgainWhenTheDiskDamagedWhatWasSynced) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs);
  std::string id;
  {
    const auto upload = store->StartUpload();
    id = (*upload)->id();
    ASSERT_TRUE((*upload)->Append(Span(kBytes)).ok());
  }
  {
    const auto file = fs.Open("data/uploads/" + id, OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->WriteAt(7, Span("!")).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  const auto resumed = store->ResumeUpload(id);
  EXPECT_EQ((*resumed)->size_bytes(), 0u);
  ASSERT_TRUE((*resumed)->Append(Span(kBytes)).ok());
  ASSERT_TRUE((*resumed)->Sync().ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  const auto reopened = OpenOn(fs);
  const auto again = reopened->ResumeUpload(id);
  EXPECT_EQ((*again)->size_bytes(), kBytes.size());
  EXPECT_EQ((*again)->Commit().value().digest, DigestOf(std::string_view(kBytes)));
}

TEST(BlobUpload, StopsBeforeTheDiskIsFullAndAtTheSizeLimit) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs, {2000, 1000});
  const auto upload = store->StartUpload();
  ASSERT_TRUE((*upload)->Append(Span(std::string(1500, 'x'))).ok());
  EXPECT_EQ((*upload)->Append(Span(std::string(501, 'x'))).code(), StatusCode::kResourceExhausted);
  fs.SetFreeBytes(1499);
  EXPECT_EQ((*upload)->Append(Span(std::string(500, 'x'))).code(), StatusCode::kNotEnoughSpace);
  fs.SetFreeBytes(1500);
  EXPECT_TRUE((*upload)->Append(Span(std::string(500, 'x'))).ok());
  EXPECT_TRUE((*upload)->Commit().ok());
  fs.SetFreeBytes(999);
  EXPECT_EQ(store->StartUpload().status().code(), StatusCode::kNotEnoughSpace);
  EXPECT_TRUE(fs.List("data/uploads").value().empty());
  fs.SetFreeBytes(1500);
  EXPECT_EQ(StartUploadOf(*store, 501).status().code(), StatusCode::kNotEnoughSpace);
  EXPECT_TRUE(fs.List("data/uploads").value().empty());
  EXPECT_TRUE(StartUploadOf(*store, 500).ok());
}

TEST(BlobUpload, GoesOnAfterAWriteThatFailedHalfway) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs, {1 << 20, 0});
  const auto upload = store->StartUpload();
  fs.SetFreeBytes(1000, 1 << 20);
  ASSERT_TRUE((*upload)->Append(Span("start ")).ok());
  EXPECT_EQ((*upload)->Append(Span(kBytes)).code(), StatusCode::kNotEnoughSpace);
  fs.SetFreeBytes({});
  ASSERT_TRUE((*upload)->Append(Span("end")).ok());
  const Digest digest = (*upload)->Commit().value().digest;
  EXPECT_EQ(digest, DigestOf(std::string_view("start end")));
  EXPECT_EQ(Get(*store, digest), "start end");
}

TEST(BlobStore, ListsUploadsThatNobodyTouchedForLongAndRemovesThem) {
  ManualClock clock;
  FaultFileSystem fs(&clock);
  const auto store = OpenOn(fs);
  const std::string old_id = store->StartUpload().value()->id();
  ASSERT_TRUE(
      fs.Open("data/uploads/" + std::string(32, 'a') + ".synced", OpenMode::kReadWrite).ok());
  clock.Advance(1000);
  const auto young = store->StartUpload();
  const auto ids = store->ListUploadsBefore(clock.NowMs()).value();
  EXPECT_EQ(ids.size(), 2u) << "the old one, and the journal without an upload";
  EXPECT_EQ(store->ListUploadsBefore(clock.NowMs() + 1).value().size(), 2u)
      << "the young one is open, so it stays however old it is";
  for (const std::string& id : ids) EXPECT_TRUE(store->RemoveUpload(id).ok());
  EXPECT_EQ(store->ResumeUpload(old_id).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs.List("data/uploads").value().size(), 2u) << "the young one and its journal";
}

TEST(BlobStore, TakesNoIdThatIsNotItsOwn) {
  FaultFileSystem fs;
  const auto store = OpenOn(fs);
  ASSERT_TRUE(Put(*store, kBytes).ok());
  for (const char* const id : {"", "..", "../blobs", "0123456789abcdef0123456789abcdeF"}) {
    EXPECT_EQ(store->ResumeUpload(id).status().code(), StatusCode::kNotFound) << id;
    EXPECT_TRUE(store->RemoveUpload(id).ok()) << id;
  }
  EXPECT_EQ(store->List().value().size(), 1u);
}

}  // namespace
}  // namespace godwit::server
