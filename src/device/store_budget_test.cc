// The store's budget, pins, and what it does about files that the disk has damaged.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "device/model_store.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit {
namespace {

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;

std::string BytesOf(char letter, size_t size_bytes) { return std::string(size_bytes, letter); }

class StoreBudget : public ::testing::Test {
 protected:
  std::unique_ptr<ModelStore> Open(uint64_t bytes_max) {
    auto store =
        ModelStore::Open(fs_, clock_, logger_, "store", "http://h", "p", "a", {bytes_max, ""});
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return *std::move(store);
  }
  Status Put(ModelStore& store, const std::string& name, std::string_view bytes) {
    GODWIT_ASSIGN_OR_RETURN(const auto download,
                            store.OpenPartial(name, DigestOf(bytes), bytes.size()));
    const auto rest = bytes.substr(static_cast<size_t>(download->size_bytes()));
    GODWIT_RETURN_IF_ERROR(download->Append(std::as_bytes(std::span(rest))));
    return download->Commit({}).status();
  }
  // The names in the store, as one text.
  static std::string Names(ModelStore& store) {
    std::string names;
    const auto models = store.List().value();
    for (const LocalModel& model : models) names += model.name + " ";
    return names;
  }
  uint64_t Bytes(ModelStore& store) {
    uint64_t sum = 0;
    for (const std::string folder : {"blobs", "partial"}) {
      const std::string path = JoinPath(store.directory(), folder);
      const auto files = fs_.List(path).value();
      for (const std::string& name : files) {
        sum += fs_.Stat(JoinPath(path, name)).value().size_bytes;
      }
    }
    return sum;
  }
  void Flip(const std::string& path, uint64_t offset) {
    auto file = fs_.Open(path, OpenMode::kReadWrite);
    std::byte byte{};
    ASSERT_EQ((*file)->ReadAt(offset, std::span(&byte, 1)).value(), 1u);
    byte ^= std::byte{16};
    ASSERT_TRUE((*file)->WriteAt(offset, std::span(&byte, 1)).ok());
  }

  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem fs_{&clock_};
};

TEST_F(StoreBudget, RemovesTheLeastRecentlyUsedModelThatIsNotPinned) {
  const auto store = Open(3000);
  for (const char name : {'a', 'b', 'c'}) {
    ASSERT_TRUE(Put(*store, std::string(1, name), BytesOf(name, 1000)).ok());
    clock_.Advance(2 * kDayMs);
  }
  ASSERT_TRUE(store->Find("a").value().has_value()) << "used today";
  ASSERT_TRUE(store->SetPinned("b", true).ok());
  EXPECT_EQ(Put(*store, "d", BytesOf('d', 700)).ToString(), "OK");
  EXPECT_EQ(Names(*store), "a b d ") << "c, for b is pinned and a was used";
  EXPECT_EQ(Bytes(*store), 2700u);
  ASSERT_TRUE(store->SetPinned("b", false).ok());
  clock_.Advance(2 * kDayMs);
  ASSERT_TRUE(Put(*store, "e", BytesOf('e', 1200)).ok());
  EXPECT_EQ(Names(*store), "a d e ");
}

TEST_F(StoreBudget, RemovesWhatIsLeastMissedBeforeAModel) {
  const auto store = Open(3000);
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 900)).ok());
  for (const char version : {'1', '2', '3'}) {
    ASSERT_TRUE(Put(*store, "b", BytesOf(version, 600)).ok());
  }
  ASSERT_TRUE(store->CollectGarbage().ok());
  {
    const auto left = store->OpenPartial("c", DigestOf(BytesOf('c', 300)), 300);
    ASSERT_TRUE(left.ok());
    const std::string bytes = BytesOf('c', 200);
    ASSERT_TRUE((*left)->Append(std::as_bytes(std::span(bytes))).ok());
  }
  ASSERT_TRUE(Put(*store, "d", BytesOf('d', 500)).ok());
  EXPECT_EQ(Bytes(*store), 2800u) << "the file that nobody needs went";
  ASSERT_TRUE(Put(*store, "e", BytesOf('e', 300)).ok());
  EXPECT_EQ(Bytes(*store), 2900u) << "the download that broke off went";
  ASSERT_TRUE(Put(*store, "f", BytesOf('f', 300)).ok());
  EXPECT_EQ(Bytes(*store), 2600u) << "the version to go back to went";
  EXPECT_EQ(Names(*store), "a b d e f ");
}

TEST_F(StoreBudget, KeepsAFileThatTwoModelsShareWhileOneStays) {
  const auto store = Open(2000);
  ASSERT_TRUE(Put(*store, "a", BytesOf('x', 1000)).ok());
  clock_.Advance(2 * kDayMs);
  ASSERT_TRUE(Put(*store, "b", BytesOf('x', 1000)).ok());
  ASSERT_TRUE(store->SetPinned("b", true).ok());
  ASSERT_TRUE(Put(*store, "c", BytesOf('c', 1000)).ok());
  EXPECT_EQ(Names(*store), "a b c ");
  EXPECT_EQ(Put(*store, "d", BytesOf('d', 1000)).ToString(), "OK");
  EXPECT_EQ(Names(*store), "b d ");
}

TEST_F(StoreBudget, RemovesNothingForAModelThatCannotFitAndSaysTheNumbers) {
  const auto store = Open(3000);
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 1000)).ok());
  ASSERT_TRUE(Put(*store, "b", BytesOf('b', 1500)).ok());
  ASSERT_TRUE(store->SetPinned("b", true).ok());
  for (const auto& [name, size_bytes] :
       {std::pair{"c", 1501u}, std::pair{"c", 4000u}, std::pair{"a", 501u}}) {
    const Status status = Put(*store, name, BytesOf('c', size_bytes));
    EXPECT_EQ(status.code(), StatusCode::kNotEnoughSpace);
    for (const std::string& number : {std::to_string(size_bytes), std::string("3000")}) {
      EXPECT_NE(status.message().find(number), std::string::npos) << status.message();
    }
    EXPECT_EQ(Names(*store), "a b ");
  }
  EXPECT_TRUE(Put(*store, "c", BytesOf('c', 1500)).ok());
  EXPECT_EQ(Names(*store), "b c ");
}

TEST_F(StoreBudget, CountsWhatRunningDownloadsWillTakeUp) {
  const auto store = Open(3000);
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 1000)).ok());
  {
    const auto running = store->OpenPartial("b", DigestOf(BytesOf('b', 1500)), 1500);
    ASSERT_TRUE(running.ok());
    EXPECT_EQ(Put(*store, "c", BytesOf('c', 1000)).code(), StatusCode::kUnavailable)
        << "a file may go only when nobody downloads";
    EXPECT_TRUE(Put(*store, "d", BytesOf('d', 500)).ok());
  }
  EXPECT_TRUE(Put(*store, "c", BytesOf('c', 1000)).ok());
  EXPECT_EQ(Names(*store), "a c d ");
}

TEST_F(StoreBudget, KeepsAPinOverAPowerLossAndForAModelThatIsNotHereYet) {
  auto store = Open(2000);
  ASSERT_TRUE(store->SetPinned("a", false).ok());
  ASSERT_TRUE(store->SetPinned("a", true).ok());
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 1000)).ok());
  store.reset();
  fs_.PowerLoss(testing::PowerLossMode::kDropped, 1);
  store = Open(2000);
  EXPECT_EQ(Put(*store, "b", BytesOf('b', 1500)).code(), StatusCode::kNotEnoughSpace);
}

TEST_F(StoreBudget, LeavesTheFileOfARemovedModelToWhoHasItOpen) {
  const auto store = Open(1000);
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 900)).ok());
  const auto open = fs_.Open(store->Find("a").value()->path, OpenMode::kRead);
  ASSERT_TRUE(Put(*store, "b", BytesOf('b', 900)).ok());
  EXPECT_EQ(Names(*store), "b ");
  std::string bytes(900, '?');
  EXPECT_EQ((*open)->ReadAt(0, std::as_writable_bytes(std::span(bytes))).value(), 900u);
  EXPECT_EQ(bytes, BytesOf('a', 900));
}

TEST_F(StoreBudget, FindsAFlippedBitInAnyPageOfAFileAndDropsIt) {
  constexpr uint64_t kPageBytes = 4096;
  const auto store = Open(0);
  const std::string bytes = BytesOf('a', 5 * kPageBytes + 100);
  ASSERT_TRUE(Put(*store, "b", BytesOf('b', 100)).ok());
  for (uint64_t page = 0; page * kPageBytes < bytes.size(); ++page) {
    ASSERT_EQ(Put(*store, "a", bytes).ToString(), "OK");
    EXPECT_EQ(store->Verify().value().whole.size(), 2u);
    Flip(store->Find("a").value()->path, std::min<uint64_t>(page * 5000, bytes.size() - 1));
    const auto report = store->Verify();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    ASSERT_EQ(report->dropped.size(), 1u) << page;
    EXPECT_EQ(report->dropped[0].name, "a");
    EXPECT_EQ(Names(*store), "b ");
  }
}

TEST_F(StoreBudget, LeavesADamagedFileWhileSomethingIsDownloaded) {
  const auto store = Open(0);
  ASSERT_TRUE(Put(*store, "a", BytesOf('a', 100)).ok());
  const auto running = store->OpenPartial("b", DigestOf(BytesOf('b', 100)), 100);
  EXPECT_TRUE(store->Verify().ok());
  Flip(store->Find("a").value()->path, 7);
  EXPECT_EQ(store->Verify().status().code(), StatusCode::kUnavailable);
}

TEST_F(StoreBudget, ScrubsOneFileADayInTurn) {
  const auto store = Open(0);
  for (const char name : {'a', 'b', 'c'}) {
    ASSERT_TRUE(Put(*store, std::string(1, name), BytesOf(name, 100)).ok());
  }
  ASSERT_TRUE(store->ScrubDaily().ok());
  const auto models = store->List().value();
  for (const LocalModel& model : models) Flip(model.path, 7);
  ASSERT_TRUE(store->ScrubDaily().ok());
  EXPECT_EQ(store->List().value().size(), 3u) << "one a day";
  for (size_t left = 3; left-- > 0;) {
    clock_.Advance(kDayMs);
    ASSERT_TRUE(store->ScrubDaily().ok());
    EXPECT_EQ(store->List().value().size(), left);
  }
}

}  // namespace
}  // namespace godwit
