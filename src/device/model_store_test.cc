#include "device/model_store.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit {
namespace {

using testing::FaultFileSystem;
using testing::ManualClock;
using testing::PowerLossMode;

constexpr int64_t kHourMs = 60 * 60 * 1000;
// Appended in pieces, so that there are writes between which to crash.
constexpr size_t kPieceBytes = 900;

std::string BytesOf(char seed, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>(seed + i * 31 % 97);
  return bytes;
}

const std::string kOldBytes = BytesOf('o', 2000);
const std::string kNewBytes = BytesOf('n', 3000);
const std::string kNewestBytes = BytesOf('z', 3500);

// One store on a disk that can fail.
class ModelStoreTest : public ::testing::Test {
 protected:
  ModelStoreTest() { OpenStore(fs_); }

  std::unique_ptr<ModelStore> TryOpen(FileSystem& fs, Status* status = nullptr) {
    auto store = ModelStore::Open(fs, clock_, logger_, "store", "http://h", "p", "1:1:linux:a");
    if (status != nullptr) *status = store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  void OpenStore(FileSystem& fs) {
    Status status;
    store_ = TryOpen(fs, &status);
    ASSERT_NE(store_, nullptr) << status.ToString();
  }

  // Downloads what is missing of `bytes` and commits, as the downloader does.
  static Result<LocalModel> Put(ModelStore& store, const std::string& name,
                                std::string_view bytes) {
    GODWIT_ASSIGN_OR_RETURN(const auto download,
                            store.OpenPartial(name, DigestOf(bytes), bytes.size()));
    GODWIT_RETURN_IF_ERROR(AppendFrom(*download, bytes, download->size_bytes(), bytes.size()));
    return download->Commit(7);
  }
  static Status AppendFrom(PartialDownload& download, std::string_view bytes, size_t begin,
                           size_t end) {
    for (size_t at = begin; at < end; at += kPieceBytes) {
      const auto piece = bytes.substr(at, std::min(kPieceBytes, end - at));
      GODWIT_RETURN_IF_ERROR(download.Append(std::as_bytes(std::span(piece))));
    }
    return Status::Ok();
  }
  // The model's bytes; "absent", or an error's text.
  static std::string Get(FileSystem& fs, ModelStore& store, const std::string& name) {
    const auto model = store.Find(name);
    if (!model.ok()) return model.status().ToString();
    if (!model->has_value()) return "absent";
    auto bytes = ReadWholeFile(fs, (*model)->path, 1 << 20);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  std::string Get(const std::string& name) { return Get(fs_, *store_, name); }

  std::string PathOf(std::string_view folder, std::string_view name) {
    return JoinPath(JoinPath(store_->directory(), folder), name);
  }
  size_t CountBlobs() { return fs_.List(JoinPath(store_->directory(), "blobs")).value().size(); }
  // Changes one byte of a file, as a failing disk does.
  void Damage(const std::string& path, uint64_t offset) {
    auto file = fs_.Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok());
    std::byte byte{};
    ASSERT_EQ((*file)->ReadAt(offset, std::span(&byte, 1)).value(), 1u);
    byte ^= std::byte{1};
    ASSERT_TRUE((*file)->WriteAt(offset, std::span(&byte, 1)).ok());
  }

  ManualClock clock_;
  NullLogger logger_;
  FaultFileSystem fs_{&clock_};
  std::unique_ptr<ModelStore> store_;
};

TEST_F(ModelStoreTest, KeepsModelsByNameAndReplacesThem) {
  EXPECT_EQ(Get("face"), "absent");
  const auto put = Put(*store_, "face", kOldBytes);
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_EQ(put->hash, DigestOf(std::string_view(kOldBytes)).ToHex());
  EXPECT_EQ(put->size_bytes, kOldBytes.size());
  EXPECT_EQ(put->downloaded_at_ms, clock_.NowMs());
  EXPECT_EQ(put->version, 7u);
  ASSERT_TRUE(Put(*store_, "Face", kNewBytes).ok());
  EXPECT_EQ(Get("face"), kOldBytes) << "names differ by case";
  EXPECT_EQ(Get("Face"), kNewBytes);
  ASSERT_TRUE(Put(*store_, "face", kNewBytes).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
  const auto models = store_->List().value();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "Face");
  EXPECT_EQ(models[1].name, "face");
}

TEST_F(ModelStoreTest, KeepsServersProjectsAndAppsApart) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const char* const owners[][3] = {
      {"http://other", "p", "a"}, {"http://h", "q", "a"}, {"http://h", "p", "b"}};
  for (const auto& owner : owners) {
    auto other = ModelStore::Open(fs_, clock_, logger_, "store", owner[0], owner[1], owner[2]);
    ASSERT_TRUE(other.ok());
    EXPECT_EQ(Get(fs_, **other, "face"), "absent");
  }
}

TEST_F(ModelStoreTest, ResumesABrokenDownloadWhereItEnded) {
  {
    const auto download = store_->OpenPartial("face", DigestOf(std::string_view(kNewBytes)), 3000);
    ASSERT_TRUE(download.ok());
    ASSERT_TRUE(AppendFrom(**download, kNewBytes, 0, 1800).ok());
  }
  const auto download = store_->OpenPartial("face", DigestOf(std::string_view(kNewBytes)), 3000);
  ASSERT_TRUE(download.ok());
  EXPECT_EQ((*download)->size_bytes(), 1800u);
  EXPECT_EQ((*download)->resumed_bytes(), 1800u);
  ASSERT_TRUE(AppendFrom(**download, kNewBytes, 1800, 3000).ok());
  ASSERT_TRUE((*download)->Commit({}).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
  EXPECT_EQ(store_->Find("face").value()->version, std::nullopt);
}

TEST_F(ModelStoreTest, RestartsADownloadFromZero) {
  const auto download = store_->OpenPartial("face", DigestOf(std::string_view(kNewBytes)), 3000);
  ASSERT_TRUE(download.ok());
  ASSERT_TRUE(AppendFrom(**download, kOldBytes, 0, 1800).ok());
  ASSERT_TRUE((*download)->Restart().ok());
  EXPECT_EQ((*download)->size_bytes(), 0u);
  ASSERT_TRUE(AppendFrom(**download, kNewBytes, 0, 3000).ok());
  ASSERT_TRUE((*download)->Commit({}).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
}

TEST_F(ModelStoreTest, GoesOnAfterAWriteThatFailedHalfway) {
  const auto download = store_->OpenPartial("face", DigestOf(std::string_view(kNewBytes)), 3000);
  fs_.SetFreeBytes(1000);
  EXPECT_EQ((*download)->Append(std::as_bytes(std::span(kNewBytes))).code(),
            StatusCode::kNotEnoughSpace);
  fs_.SetFreeBytes({});
  EXPECT_EQ((*download)->size_bytes(), 0u);
  ASSERT_TRUE(AppendFrom(**download, kNewBytes, 0, 3000).ok());
  ASSERT_TRUE((*download)->Commit({}).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
}

TEST_F(ModelStoreTest, DropsBytesThatAreNotTheAnnouncedOnesAndKeepsTheOldModel) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const Digest expected = DigestOf(std::string_view(kNewBytes));
  {
    const auto download = store_->OpenPartial("face", expected, 2000);
    ASSERT_TRUE(AppendFrom(**download, kOldBytes, 0, 2000).ok());
    EXPECT_EQ((*download)->Append(std::as_bytes(std::span("!"))).code(),
              StatusCode::kModelHashMismatch);
    EXPECT_EQ((*download)->Commit({}).status().code(), StatusCode::kModelHashMismatch);
  }
  {
    const auto download = store_->OpenPartial("face", expected, 3000);
    EXPECT_EQ((*download)->size_bytes(), 0u);
    ASSERT_TRUE(AppendFrom(**download, kNewBytes, 0, 900).ok());
    EXPECT_EQ((*download)->Commit({}).status().code(), StatusCode::kModelHashMismatch) << "short";
  }
  EXPECT_EQ(Get("face"), kOldBytes);
}

TEST_F(ModelStoreTest, TakesAFileThatIsHereAlreadyWithoutADownload) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const Digest digest = DigestOf(std::string_view(kOldBytes));
  {
    const auto download = store_->OpenPartial("voice", digest, kOldBytes.size());
    ASSERT_TRUE(download.ok());
    EXPECT_EQ((*download)->size_bytes(), kOldBytes.size());
    EXPECT_EQ((*download)->resumed_bytes(), 0u);
    ASSERT_TRUE((*download)->Commit({}).ok());
  }
  EXPECT_EQ(Get("voice"), kOldBytes);
  Damage(PathOf("blobs", digest.ToHex()), 77);
  const auto download = store_->OpenPartial("voice", digest, kOldBytes.size());
  EXPECT_EQ((*download)->size_bytes(), 0u) << "a damaged file is downloaded over";
  ASSERT_TRUE(AppendFrom(**download, kOldBytes, 0, 2000).ok());
  ASSERT_TRUE((*download)->Commit({}).ok());
  EXPECT_EQ(Get("face"), kOldBytes);
}

TEST_F(ModelStoreTest, ShowsNoBlobBeforeItIsActivated) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const Digest digest = DigestOf(std::string_view(kNewBytes));
  {
    const auto download = store_->OpenPartial("face", digest, kNewBytes.size());
    ASSERT_TRUE(AppendFrom(**download, kNewBytes, 0, 3000).ok());
    const auto path = (*download)->Place();
    ASSERT_TRUE(path.ok()) << path.status().ToString();
    EXPECT_EQ(ReadWholeFile(fs_, *path, 1 << 20).value(), kNewBytes);
    EXPECT_EQ(Get("face"), kOldBytes);
  }
  const auto download = store_->OpenPartial("face", digest, kNewBytes.size());
  EXPECT_EQ((*download)->size_bytes(), kNewBytes.size()) << "it is not downloaded again";
  ASSERT_TRUE((*download)->Place().ok());
  ASSERT_TRUE((*download)->Activate(8).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
}

TEST_F(ModelStoreTest, KeepsThePreviousVersionAndNoOlderOne) {
  const std::string oldest = BytesOf('a', 1000);
  for (const std::string& bytes : {oldest, kOldBytes, kNewBytes, kNewBytes}) {
    ASSERT_TRUE(Put(*store_, "face", bytes).ok());
  }
  const auto model = store_->Find("face").value();
  const PreviousVersion expected{DigestOf(std::string_view(kOldBytes)), kOldBytes.size(), 7};
  EXPECT_EQ(model->previous, expected) << "the same bytes again replace nothing";
  for (int day = 0; day < 3; ++day) {
    ASSERT_TRUE(store_->CollectGarbage().ok());
    clock_.Advance(25 * kHourMs);
  }
  EXPECT_EQ(CountBlobs(), 2u);
  EXPECT_TRUE(fs_.Stat(PathOf("blobs", expected.digest.ToHex())).ok());
}

TEST_F(ModelStoreTest, ForgetsPartialBytesOfAnotherDigest) {
  {
    ASSERT_TRUE(store_->OpenPartial("face", DigestOf(std::string_view(kOldBytes)), 2000).ok());
  }
  {
    ASSERT_TRUE(store_->OpenPartial("face", DigestOf(std::string_view(kNewBytes)), 3000).ok());
  }
  EXPECT_EQ(fs_.List(PathOf("partial", "")).value().size(), 1u);
  ASSERT_TRUE(store_->Delete("face").ok());
  EXPECT_EQ(fs_.List(PathOf("partial", "")).value().size(), 0u);
}

TEST_F(ModelStoreTest, LetsOneDownloadAModelAtATimeAndOthersBesideIt) {
  const Digest digest = DigestOf(std::string_view(kNewBytes));
  const auto other = TryOpen(fs_);
  const auto download = store_->OpenPartial("face", digest, 3000);
  ASSERT_TRUE(download.ok());
  EXPECT_EQ(other->OpenPartial("face", digest, 3000).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(other->Delete("face").code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Put(*other, "voice", kOldBytes).ok());
}

TEST_F(ModelStoreTest, TakesADamagedRecordAsAbsentAndTheNextDownloadMendsIt) {
  const std::string record = PathOf("records", DigestOf(std::string_view("face")).ToHex());
  ASSERT_TRUE(Put(*store_, "voice", kOldBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const uint64_t size_bytes = fs_.Stat(record).value().size_bytes;
  for (uint64_t offset = 0; offset < size_bytes; ++offset) {
    ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
    Damage(record, offset);
    ASSERT_EQ(Get("face"), "absent") << offset;
    ASSERT_EQ(store_->List().value().size(), 1u);
  }
  ASSERT_TRUE(ReplaceFile(fs_, record, std::string(1 << 20, 'x')).ok());
  EXPECT_EQ(Get("face"), "absent") << "too long";
  ASSERT_TRUE(
      fs_.Rename(PathOf("records", DigestOf(std::string_view("voice")).ToHex()), record).ok());
  EXPECT_EQ(Get("face"), "absent") << "another model's";
  ASSERT_TRUE(Put(*store_, "face", kNewBytes).ok());
  EXPECT_EQ(Get("face"), kNewBytes);
}

TEST_F(ModelStoreTest, TakesAModelWithoutItsFileAsAbsent) {
  const std::string path = Put(*store_, "face", kOldBytes).value().path;
  ASSERT_TRUE(fs_.Open(path, OpenMode::kReadWrite).value()->Truncate(5).ok());
  EXPECT_EQ(Get("face"), "absent");
  ASSERT_TRUE(fs_.Remove(path).ok());
  EXPECT_EQ(Get("face"), "absent");
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  EXPECT_EQ(Get("face"), kOldBytes);
}

TEST_F(ModelStoreTest, RefusesAStoreOfANewerFormatAndChangesNothing) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  const std::string marker = JoinPath(store_->directory(), "format");
  ASSERT_TRUE(ReplaceFile(fs_, marker, "godwit store 2\nmore\n").ok());
  const uint64_t operations = fs_.operation_count();
  Status status;
  EXPECT_EQ(TryOpen(fs_, &status), nullptr);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("update the library"), std::string::npos) << status.message();
  EXPECT_EQ(fs_.operation_count(), operations);
  ASSERT_TRUE(ReplaceFile(fs_, marker, "garbage").ok());
  OpenStore(fs_);
  EXPECT_EQ(Get("face"), kOldBytes) << "a damaged marker is written anew";
  EXPECT_TRUE(ReadWholeFile(fs_, marker, 1000).value().starts_with("godwit store 1\n"));
}

TEST_F(ModelStoreTest, ReadsFromAReadOnlyDiskAndRefusesToWrite) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  fs_.SetReadOnly(true);
  OpenStore(fs_);
  EXPECT_EQ(Get("face"), kOldBytes);
  EXPECT_EQ(store_->List().value().size(), 1u);
  EXPECT_EQ(Put(*store_, "face", kNewBytes).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(store_->Delete("face").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Get("face"), kOldBytes);
}

TEST_F(ModelStoreTest, KeepsTheOldModelWhenTheDiskIsFullAndGoesOnWhenThereIsSpace) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  for (uint64_t free_bytes = 0; free_bytes < kNewBytes.size() + 400; free_bytes += 50) {
    fs_.SetFreeBytes(free_bytes);
    const auto put = Put(*store_, "face", kNewBytes);
    fs_.SetFreeBytes({});
    if (put.ok()) break;
    EXPECT_EQ(put.status().code(), StatusCode::kNotEnoughSpace) << put.status().ToString();
    EXPECT_EQ(Get("face"), kOldBytes);
  }
  EXPECT_EQ(Put(*store_, "face", kNewBytes).status().ToString(), "OK");
  EXPECT_EQ(Get("face"), kNewBytes);
}

TEST_F(ModelStoreTest, CollectsAFileADayAfterNobodyNeedsItAnyMore) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  clock_.Advance(30 * 24 * kHourMs);
  ASSERT_TRUE(Put(*store_, "face", kNewBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kNewestBytes).ok());
  ASSERT_TRUE(store_->CollectGarbage().ok());
  EXPECT_EQ(CountBlobs(), 4u) << "three files and the note that one is unused";
  clock_.Advance(23 * kHourMs);
  ASSERT_TRUE(store_->CollectGarbage().ok());
  EXPECT_EQ(CountBlobs(), 4u);
  clock_.Advance(2 * kHourMs);
  ASSERT_TRUE(store_->CollectGarbage().ok());
  EXPECT_EQ(CountBlobs(), 2u) << "the model and its previous version";
  EXPECT_EQ(Get("face"), kNewestBytes);
}

TEST_F(ModelStoreTest, CountsTheDayAnewWhenAFileWasNeededInBetween) {
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kNewBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kNewestBytes).ok());
  ASSERT_TRUE(store_->CollectGarbage().ok());
  clock_.Advance(20 * kHourMs);
  ASSERT_TRUE(Put(*store_, "face", kOldBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kNewBytes).ok());
  ASSERT_TRUE(Put(*store_, "face", kNewestBytes).ok());
  clock_.Advance(20 * kHourMs);
  ASSERT_TRUE(store_->CollectGarbage().ok());
  EXPECT_TRUE(fs_.Stat(PathOf("blobs", DigestOf(std::string_view(kOldBytes)).ToHex())).ok());
}

TEST_F(ModelStoreTest, CollectsNothingWhileSomethingIsDownloaded) {
  const Digest digest = DigestOf(std::string_view(kNewBytes));
  ASSERT_TRUE(AppendFrom(**store_->OpenPartial("old", digest, 3000), kNewBytes, 0, 900).ok());
  clock_.Advance(25 * kHourMs);
  {
    const auto download = store_->OpenPartial("face", digest, 3000);
    ASSERT_TRUE(store_->CollectGarbage().ok());
    EXPECT_EQ(fs_.List(PathOf("partial", "")).value().size(), 2u);
  }
  ASSERT_TRUE(store_->CollectGarbage().ok());
  EXPECT_EQ(fs_.List(PathOf("partial", "")).value().size(), 1u) << "the new one is young";
}

TEST_F(ModelStoreTest, KeepsTheInstallationAndTakesADamagedOneAsAbsent) {
  EXPECT_EQ(store_->ReadInstallation().value(), std::nullopt);
  {
    const auto lock = store_->TryLockInstallation();
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ(TryOpen(fs_)->TryLockInstallation().status().code(), StatusCode::kUnavailable);
    ASSERT_TRUE(store_->WriteInstallation("an id and a token").ok());
  }
  EXPECT_EQ(store_->ReadInstallation().value(), "an id and a token");
  fs_.PowerLoss(PowerLossMode::kDropped, 1);
  OpenStore(fs_);
  EXPECT_EQ(store_->ReadInstallation().value(), "an id and a token");
  Damage(JoinPath(store_->directory(), "installation"), 20);
  EXPECT_EQ(store_->ReadInstallation().value(), std::nullopt);
  EXPECT_EQ(store_->WriteInstallation(std::string(kStorePayloadMaxBytes + 1, 'x')).code(),
            StatusCode::kInvalidArgument);
}

TEST_F(ModelStoreTest, RefusesNamesThatNoModelCanHave) {
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string(513, 'x')}) {
    EXPECT_EQ(store_->Find(name).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(store_->OpenPartial(name, Digest(), 1).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(Put(*store_, "../../etc/passwd@7", kOldBytes).ok()) << "names never reach the disk";
  EXPECT_EQ(Get("../../etc/passwd@7"), kOldBytes);
}

}  // namespace
}  // namespace godwit
