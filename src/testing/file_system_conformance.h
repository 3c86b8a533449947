// The promises of fs/file_system.h as one suite that every FileSystem runs:
//   INSTANTIATE_TEST_SUITE_P(Posix, FileSystemConformance, ::testing::Values(MakePosix));
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "fs/file_system.h"

namespace godwit::testing {

// A file system and an empty folder on it.
class FileSystemUnderTest {
 public:
  virtual ~FileSystemUnderTest() = default;
  virtual FileSystem& fs() = 0;
  virtual std::string folder() = 0;
};

using MakeFileSystem = std::unique_ptr<FileSystemUnderTest> (*)();

class FileSystemConformance : public ::testing::TestWithParam<MakeFileSystem> {
 protected:
  FileSystem& fs() { return under_test_->fs(); }
  std::string Path(std::string_view name) { return JoinPath(under_test_->folder(), name); }

  void Write(const std::string& name, std::string_view bytes) {
    auto file = fs().Open(Path(name), OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->WriteAt(0, std::as_bytes(std::span(bytes))).ok());
  }
  std::string Read(const std::string& name) {
    auto bytes = ReadWholeFile(fs(), Path(name), 1 << 20);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  StatusCode OpenCode(const std::string& name, OpenMode mode) {
    return fs().Open(Path(name), mode).status().code();
  }

 private:
  const std::unique_ptr<FileSystemUnderTest> under_test_ = GetParam()();
};

TEST_P(FileSystemConformance, OpensByTheModesAsTheyPromise) {
  EXPECT_EQ(OpenCode("a", OpenMode::kRead), StatusCode::kNotFound);
  EXPECT_EQ(OpenCode("no/a", OpenMode::kReadWrite), StatusCode::kNotFound);
  EXPECT_EQ(OpenCode("a", OpenMode::kCreateNew), StatusCode::kOk);
  EXPECT_EQ(OpenCode("a", OpenMode::kCreateNew), StatusCode::kAlreadyExists);
  Write("a", "kept");
  EXPECT_EQ(OpenCode("a", OpenMode::kReadWrite), StatusCode::kOk);
  EXPECT_EQ(Read("a"), "kept");
}

TEST_P(FileSystemConformance, NamesThePathInEveryError) {
  const auto file = fs().Open(Path("missing"), OpenMode::kRead);
  EXPECT_NE(file.status().message().find(Path("missing")), std::string::npos);
  EXPECT_NE(fs().Stat(Path("missing")).status().message().find("missing"), std::string::npos);
  EXPECT_NE(fs().Rename(Path("x"), Path("y")).message().find(Path("x")), std::string::npos);
}

TEST_P(FileSystemConformance, ReadsShortOnlyAtTheEndAndFillsGapsWithZeros) {
  auto file = fs().Open(Path("a"), OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->WriteAt(3, std::as_bytes(std::span(std::string_view("xyz")))).ok());
  std::string out(8, '?');
  EXPECT_EQ((*file)->ReadAt(0, std::as_writable_bytes(std::span(out))).value(), 6u);
  EXPECT_EQ(out, std::string("\0\0\0xyz??", 8));
  EXPECT_EQ((*file)->ReadAt(6, std::as_writable_bytes(std::span(out))).value(), 0u);
  EXPECT_EQ((*file)->ReadAt(600, std::as_writable_bytes(std::span(out))).value(), 0u);
  ASSERT_TRUE((*file)->Truncate(4).ok());
  EXPECT_EQ((*file)->Size().value(), 4u);
  ASSERT_TRUE((*file)->Truncate(5).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(Read("a"), std::string("\0\0\0x\0", 5));
}

TEST_P(FileSystemConformance, RenamesOverTheTargetAndKeepsItsOpenFileReadable) {
  Write("old", "old bytes");
  Write("new", "new");
  auto reader = fs().Open(Path("old"), OpenMode::kRead);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(fs().Rename(Path("new"), Path("old")).ok());
  EXPECT_EQ(Read("old"), "new");
  EXPECT_EQ(OpenCode("new", OpenMode::kRead), StatusCode::kNotFound);
  std::string out(9, '?');
  EXPECT_EQ((*reader)->ReadAt(0, std::as_writable_bytes(std::span(out))).value(), 9u);
  EXPECT_EQ(out, "old bytes");
  EXPECT_EQ(fs().Rename(Path("none"), Path("old")).code(), StatusCode::kNotFound);
}

TEST_P(FileSystemConformance, RemovesWhatIsThereAndIsContentWithWhatIsNot) {
  Write("a", "1");
  EXPECT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_EQ(fs().Stat(Path("a")).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemConformance, MakesFoldersListsThemAndRemovesOnlyEmptyOnes) {
  EXPECT_TRUE(fs().CreateDirectories(Path("b/c")).ok());
  EXPECT_TRUE(fs().CreateDirectories(Path("b/c")).ok());
  Write("b/c/2", "22");
  Write("b/c/10", "");
  EXPECT_EQ(fs().List(Path("b/c")).value(), (std::vector<std::string>{"10", "2"}));
  EXPECT_EQ(fs().List(Path("b")).value(), std::vector<std::string>{"c"});
  EXPECT_EQ(fs().List(Path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(fs().Stat(Path("b")).value().is_directory);
  EXPECT_FALSE(fs().Stat(Path("b/c/2")).value().is_directory);
  EXPECT_EQ(fs().Stat(Path("b/c/2")).value().size_bytes, 2u);
  EXPECT_EQ(fs().RemoveDirectory(Path("b/c")).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(fs().Remove(Path("b/c/2")).ok());
  EXPECT_TRUE(fs().Remove(Path("b/c/10")).ok());
  EXPECT_TRUE(fs().SyncDirectory(Path("b/c")).ok());
  EXPECT_TRUE(fs().RemoveDirectory(Path("b/c")).ok());
  EXPECT_TRUE(fs().RemoveDirectory(Path("b/c")).ok());
  EXPECT_EQ(fs().SyncDirectory(Path("b/c")).code(), StatusCode::kNotFound);
  Write("file", "");
  EXPECT_EQ(fs().CreateDirectories(Path("file")).code(), StatusCode::kAlreadyExists);
}

TEST_P(FileSystemConformance, KnowsAFileByItsIdWhileItIsOpen) {
  Write("a", "first");
  const auto first = fs().Open(Path("a"), OpenMode::kRead);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)->Info().value(), fs().Stat(Path("a")).value());
  for (int round = 0; round < 4; ++round) {
    Write("b", "other");
    ASSERT_TRUE(fs().Rename(Path("b"), Path("a")).ok());
    EXPECT_NE((*first)->Info().value().file_id, fs().Stat(Path("a")).value().file_id);
  }
  EXPECT_TRUE(fs().Touch(Path("a")).ok());
  EXPECT_EQ(fs().Touch(Path("none")).code(), StatusCode::kNotFound);
}

TEST_P(FileSystemConformance, LetsManyShareALockAndOneExclude) {
  auto shared = fs().TryLock(Path("lock"), LockMode::kShared);
  auto second = fs().TryLock(Path("lock"), LockMode::kShared);
  ASSERT_TRUE(shared.ok() && second.ok());
  EXPECT_EQ(fs().TryLock(Path("lock"), LockMode::kExclusive).status().code(),
            StatusCode::kUnavailable);
  shared = Status(StatusCode::kCancelled, "let go");
  second = Status(StatusCode::kCancelled, "let go");
  auto exclusive = fs().TryLock(Path("lock"), LockMode::kExclusive);
  ASSERT_TRUE(exclusive.ok());
  EXPECT_EQ(fs().TryLock(Path("lock"), LockMode::kShared).status().code(),
            StatusCode::kUnavailable);
}

TEST_P(FileSystemConformance, WaitsForALockUntilItIsFree) {
  auto held = fs().Lock(Path("lock"), LockMode::kExclusive);
  ASSERT_TRUE(held.ok());
  std::atomic<bool> released = false;
  std::thread waiter([&] {
    auto lock = fs().Lock(Path("lock"), LockMode::kExclusive);
    EXPECT_TRUE(lock.ok());
    EXPECT_TRUE(released);
  });
  released = true;
  held = Status(StatusCode::kCancelled, "let go");
  waiter.join();
}

TEST_P(FileSystemConformance, ReplacesAFileWholeAndReadsItWithALimit) {
  Write("a.tmp", "left behind by a crash, and longer");
  EXPECT_TRUE(ReplaceFile(fs(), Path("a"), "one").ok());
  EXPECT_TRUE(ReplaceFile(fs(), Path("a"), "two").ok());
  EXPECT_EQ(Read("a"), "two");
  EXPECT_EQ(OpenCode("a.tmp", OpenMode::kRead), StatusCode::kNotFound);
  EXPECT_EQ(ReadWholeFile(fs(), Path("a"), 2).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ReadWholeFile(fs(), Path("b"), 2).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemConformance, SaysHowMuchSpaceIsFree) {
  EXPECT_GT(fs().FreeBytes(Path("")).value(), 0u);
}

}  // namespace godwit::testing
