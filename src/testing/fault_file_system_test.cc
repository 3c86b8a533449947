// The fault file system is what proves everything else: first it must prove itself, by catching
// writers that are wrong in the ways that people get wrong.
#include "testing/fault_file_system.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace godwit::testing {
namespace {

constexpr std::string_view kOld = "the old bytes of this file, long enough to be torn";
constexpr std::string_view kNew =
    "THE NEW BYTES OF THIS FILE, QUITE A BIT LONGER THAN THE OLD ONES";

Status Write(FileSystem& fs, const std::string& path, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(path, OpenMode::kReadWrite));
  return file->WriteAt(0, std::as_bytes(std::span(bytes)));
}

std::string Read(FileSystem& fs, const std::string& path) {
  auto bytes = ReadWholeFile(fs, path, 1 << 20);
  return bytes.ok() ? *bytes : "absent";
}

using Writer = Status (*)(FileSystem&, std::string_view);

Status OverwriteInPlace(FileSystem& fs, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open("d/a", OpenMode::kReadWrite));
  GODWIT_RETURN_IF_ERROR(file->WriteAt(0, std::as_bytes(std::span(bytes))));
  return file->Sync();
}

Status RenameWithoutSync(FileSystem& fs, std::string_view bytes) {
  GODWIT_RETURN_IF_ERROR(Write(fs, "d/a.tmp", bytes));
  GODWIT_RETURN_IF_ERROR(fs.Rename("d/a.tmp", "d/a"));
  return fs.SyncDirectory("d");
}

Status RenameWithoutDirectorySync(FileSystem& fs, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open("d/a.tmp", OpenMode::kReadWrite));
  GODWIT_RETURN_IF_ERROR(file->WriteAt(0, std::as_bytes(std::span(bytes))));
  GODWIT_RETURN_IF_ERROR(file->Sync());
  return fs.Rename("d/a.tmp", "d/a");
}

Status RemoveFirst(FileSystem& fs, std::string_view bytes) {
  GODWIT_RETURN_IF_ERROR(fs.Remove("d/a"));
  return ReplaceFile(fs, "d/a", bytes);
}

Status RightWriter(FileSystem& fs, std::string_view bytes) { return ReplaceFile(fs, "d/a", bytes); }

struct Broken {
  bool not_whole = false;    // Neither the old bytes nor the new.
  bool not_durable = false;  // The writer said Ok and the old bytes are there.
};

// Crashes the writer at each of its operations, in each mode, with some seeds.
Broken WhatBreaks(Writer writer) {
  Broken broken;
  for (const PowerLossMode mode : kAllPowerLossModes) {
    for (uint64_t seed = 0; seed < SeedCount(mode, 12); ++seed) {
      bool reached = true;
      for (uint64_t crash_at = 0; reached; ++crash_at) {
        FaultFileSystem fs;
        EXPECT_TRUE(fs.CreateDirectories("d").ok());
        EXPECT_TRUE(fs.SyncDirectory("/").ok());
        EXPECT_TRUE(ReplaceFile(fs, "d/a", kOld).ok());
        fs.CrashAt(crash_at);
        const bool acknowledged = writer(fs, kNew).ok();
        reached = fs.crashed();
        fs.PowerLoss(mode, seed);
        const std::string found = Read(fs, "d/a");
        broken.not_whole |= found != kOld && found != kNew;
        broken.not_durable |= acknowledged && found != kNew;
      }
    }
  }
  return broken;
}

TEST(FaultFileSystem, CatchesTheWriterThatIsWrongAndPassesTheOneThatIsRight) {
  const struct {
    const char* name;
    Writer writer;
    bool not_whole;
    bool not_durable;
  } rows[] = {
      {"overwrites in place", OverwriteInPlace, true, false},
      {"renames without a sync", RenameWithoutSync, true, true},
      {"does not sync the folder", RenameWithoutDirectorySync, false, true},
      {"removes the old file first", RemoveFirst, true, false},
      {"ReplaceFile", RightWriter, false, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Broken broken = WhatBreaks(row.writer);
    EXPECT_EQ(broken.not_whole, row.not_whole);
    EXPECT_EQ(broken.not_durable, row.not_durable);
  }
}

TEST(FaultFileSystem, FailsTheChosenOperationAndAllAfterItAndChangesNothing) {
  FaultFileSystem fs;
  ASSERT_TRUE(Write(fs, "a", kOld).ok());
  auto file = fs.Open("a", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  fs.CrashAt(1);
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_FALSE(fs.crashed());
  EXPECT_EQ((*file)->WriteAt(0, std::as_bytes(std::span(kNew))).code(), StatusCode::kIo);
  EXPECT_TRUE(fs.crashed());
  EXPECT_EQ((*file)->Truncate(0).code(), StatusCode::kIo);
  EXPECT_EQ(fs.Rename("a", "b").code(), StatusCode::kIo);
  EXPECT_EQ(fs.Remove("a").code(), StatusCode::kIo);
  EXPECT_EQ(fs.CreateDirectories("d").code(), StatusCode::kIo);
  EXPECT_EQ(Read(fs, "a"), kOld);
  fs.PowerLoss(PowerLossMode::kKept, 1);
  EXPECT_FALSE(fs.crashed());
  EXPECT_EQ(Read(fs, "a"), kOld);
  EXPECT_EQ((*file)->Sync().code(), StatusCode::kIo) << "a file of the time before";
}

TEST(FaultFileSystem, ForgetsWhatWasNotSynced) {
  FaultFileSystem fs;
  ASSERT_TRUE(Write(fs, "a", kOld).ok());
  ASSERT_TRUE(fs.CreateDirectories("d/e").ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_TRUE(fs.List("/").value().empty());
  // A name without its bytes.
  ASSERT_TRUE(Write(fs, "a", kOld).ok());
  ASSERT_TRUE(fs.SyncDirectory("/").ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_EQ(Read(fs, "a"), "");
  // A synced file in a folder whose own name was not synced.
  ASSERT_TRUE(fs.CreateDirectories("d").ok());
  ASSERT_TRUE(ReplaceFile(fs, "d/a", kOld).ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_EQ(fs.Stat("d").status().code(), StatusCode::kNotFound);
  // A removal.
  ASSERT_TRUE(fs.Remove("a").ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_TRUE(fs.Stat("a").ok());
}

TEST(FaultFileSystem, KeepsWhatWasNotSyncedUnsyncedWhenOnlyTheProcessDied) {
  FaultFileSystem fs;
  ASSERT_TRUE(Write(fs, "a", kOld).ok());
  fs.PowerLoss(PowerLossMode::kKept, 1);
  EXPECT_EQ(Read(fs, "a"), kOld);
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_EQ(Read(fs, "a"), "absent");
}

TEST(FaultFileSystem, SyncsOneFoldersNamesAndNoOthers) {
  FaultFileSystem fs;
  ASSERT_TRUE(fs.CreateDirectories("from").ok());
  ASSERT_TRUE(fs.CreateDirectories("to").ok());
  ASSERT_TRUE(fs.SyncDirectory("/").ok());
  ASSERT_TRUE(Write(fs, "from/moved", kOld).ok());
  ASSERT_TRUE(Write(fs, "from/other", kOld).ok());
  ASSERT_TRUE(fs.Rename("from/moved", "to/moved").ok());
  ASSERT_TRUE(fs.SyncDirectory("to").ok());
  fs.PowerLoss(PowerLossMode::kDropped, 1);
  EXPECT_TRUE(fs.Stat("to/moved").ok());
  EXPECT_TRUE(fs.List("from").value().empty());
}

// All outcomes must be reachable, or a mode proves less than its name says.
TEST(FaultFileSystem, ReachesEveryOutcomeThatAModeAllows) {
  const auto outcomes = [](PowerLossMode mode) {
    std::set<std::string> found;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
      FaultFileSystem fs;
      EXPECT_TRUE(fs.SyncDirectory("/").ok());
      EXPECT_TRUE(Write(fs, "a", "AB").ok());
      EXPECT_TRUE(Write(fs, "b", "C").ok());
      auto file = fs.Open("a", OpenMode::kReadWrite);
      EXPECT_TRUE((*file)->WriteAt(2, std::as_bytes(std::span(std::string_view("D")))).ok());
      fs.PowerLoss(mode, seed);
      found.insert(Read(fs, "a") + "|" + Read(fs, "b"));
    }
    return found;
  };
  const std::set<std::string> torn = outcomes(PowerLossMode::kTorn);
  EXPECT_TRUE(torn.contains("absent|absent"));
  EXPECT_TRUE(torn.contains("A|absent"));
  EXPECT_TRUE(torn.contains("ABD|C"));
  EXPECT_TRUE(torn.contains(std::string("A\0|", 3)));
  EXPECT_FALSE(torn.contains("absent|C")) << "names keep their order when torn";
  const std::set<std::string> reordered = outcomes(PowerLossMode::kReordered);
  EXPECT_TRUE(reordered.contains("absent|C"));
  EXPECT_TRUE(reordered.contains("|")) << "both names and no bytes";
  EXPECT_TRUE(reordered.contains(std::string("\0\0D|C", 5)));
}

TEST(FaultFileSystem, RepeatsItselfForTheSameSeed) {
  const auto run = [](uint64_t seed) {
    FaultFileSystem fs;
    for (const char* const name : {"a", "b", "c", "d", "e", "f"}) {
      EXPECT_TRUE(Write(fs, name, kNew).ok());
    }
    fs.PowerLoss(PowerLossMode::kReordered, seed);
    std::string all;
    for (const char* const name : {"a", "b", "c", "d", "e", "f"}) all += Read(fs, name) + "|";
    return all;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(run(seed), run(seed));
}

TEST(FaultFileSystem, FreesLocksWhenThePowerGoes) {
  FaultFileSystem fs;
  auto held = fs.Lock("lock", LockMode::kExclusive);
  ASSERT_TRUE(held.ok());
  fs.PowerLoss(PowerLossMode::kKept, 1);
  auto again = fs.TryLock("lock", LockMode::kExclusive);
  ASSERT_TRUE(again.ok());
  held = Status(StatusCode::kCancelled, "the lock of the time before lets go");
  EXPECT_EQ(fs.TryLock("lock", LockMode::kShared).status().code(), StatusCode::kUnavailable);
}

TEST(FaultFileSystem, FillsUpAndGivesBack) {
  FaultFileSystem fs;
  fs.SetFreeBytes(5);
  EXPECT_EQ(Write(fs, "a", "0123456789").code(), StatusCode::kNotEnoughSpace);
  EXPECT_EQ(Read(fs, "a"), "01234");
  EXPECT_EQ(fs.FreeBytes("a").value(), 0u);
  EXPECT_TRUE(Write(fs, "a", "abcde").ok()) << "overwriting needs no room";
  ASSERT_TRUE(fs.Remove("a").ok());
  EXPECT_EQ(fs.FreeBytes("a").value(), 5u);
}

TEST(FaultFileSystem, ReadsButDoesNotWriteWhenReadOnly) {
  FaultFileSystem fs;
  ASSERT_TRUE(Write(fs, "a", kOld).ok());
  ASSERT_TRUE(fs.Lock("lock", LockMode::kShared).ok());
  fs.SetReadOnly(true);
  EXPECT_EQ(Read(fs, "a"), kOld);
  EXPECT_TRUE(fs.Lock("lock", LockMode::kShared).ok());
  EXPECT_EQ(Write(fs, "a", kNew).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Write(fs, "b", kNew).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(fs.Remove("a").code(), StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace godwit::testing
