// Aim: a local model costs at most three calls to the system, and a reader that remembers is never
// behind the disk. Method: count calls through the seam; replace a record, in this process's view
// and another's, faster than a disk's clock ticks.
#include "device/record_cache.h"

#include <gtest/gtest.h>

#include "device/model_store.h"
#include "testing/fault_file_system.h"
#include "testing/fault_points.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit {
namespace {

std::unique_ptr<ModelStore> Open(FileSystem& fs, const Clock& clock, Logger& logger,
                                 const std::string& directory) {
  auto store = ModelStore::Open(fs, clock, logger, directory, "http://h", "p", "a");
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return store.ok() ? *std::move(store) : nullptr;
}

void Put(ModelStore& store, std::string_view bytes) {
  const auto download = store.OpenPartial("face", DigestOf(bytes), bytes.size());
  ASSERT_TRUE(download.ok()) << download.status().ToString();
  const auto rest = bytes.substr(static_cast<size_t>((*download)->size_bytes()));
  ASSERT_TRUE((*download)->Append(std::as_bytes(std::span(rest))).ok());
  ASSERT_TRUE((*download)->Commit({}).ok());
}

TEST(RecordCache, FindsAModelThatItKnowsWithAtMostThreeCalls) {
  constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
  testing::ManualClock clock;
  NullLogger logger;
  testing::FaultFileSystem disk(&clock);
  testing::FaultPoints points;
  const auto fs = testing::NewFaultPointFileSystem(disk, points);
  const auto store = Open(*fs, clock, logger, "store");
  Put(*store, "bytes");
  ASSERT_TRUE(store->Find("face").value().has_value());
  const auto calls = [&] {
    points.FailNothing();
    EXPECT_TRUE(store->Find("face").value().has_value());
    return points.count();
  };
  EXPECT_EQ(calls(), 2u);
  clock.Advance(kDayMs);
  EXPECT_EQ(calls(), 3u) << "notes the day's use";
  (void)calls();  // The note is a change of the file.
  EXPECT_EQ(calls(), 2u);
  disk.SetReadOnly(true);
  clock.Advance(2 * kDayMs);
  EXPECT_EQ(calls(), 3u);
  EXPECT_EQ(calls(), 3u);
}

TEST(RecordCache, IsNeverBehindTheDiskHoweverFastAnotherReplacesTheModel) {
  const testing::TempDirectory directory;
  const auto disk = NewPosixFileSystem();
  const auto clock = NewSystemClock();
  NullLogger logger;
  const auto reader = Open(*disk, *clock, logger, directory.path());
  const auto writer = Open(*disk, *clock, logger, directory.path());
  for (const std::string_view bytes : {"one", "two"}) Put(*writer, bytes);
  for (int round = 0; round < 20; ++round) {
    const std::string_view now = round % 2 == 0 ? "one" : "two";
    Put(*writer, now == "one" ? "two" : "one");
    Put(*writer, now);
    ASSERT_EQ(reader->Find("face").value()->hash, DigestOf(now).ToHex()) << round;
  }
  ASSERT_TRUE(writer->Delete("face").ok());
  EXPECT_FALSE(reader->Find("face").value().has_value());
}

TEST(RecordCache, HoldsOnlyAFewFilesOpen) {
  const testing::TempDirectory directory;
  const auto disk = NewPosixFileSystem();
  RecordCache cache(*disk);
  for (int i = 0; i < 20; ++i) {
    const std::string path = JoinPath(directory.path(), std::to_string(i));
    ModelRecord record;
    record.name = std::to_string(i);
    ASSERT_TRUE(ReplaceFile(*disk, path, EncodeModelRecord(record)).ok());
    ASSERT_EQ(cache.Read(path).value()->record.name, record.name);
  }
  EXPECT_LT(disk->List("/proc/self/fd").value().size(), 27u);
}

}  // namespace
}  // namespace godwit
