// What only the real disk has; its other promises are in testing/file_system_conformance.h.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "fs/file_system.h"
#include "testing/temp_directory.h"

namespace godwit {
namespace {

class PosixFileSystemTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return JoinPath(directory_.path(), name); }

  const testing::TempDirectory directory_;
  const std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
};

TEST_F(PosixFileSystemTest, KeepsFilesAndFoldersFromOtherUsers) {
  ASSERT_TRUE(fs_->CreateDirectories(Path("a/b")).ok());
  ASSERT_TRUE(ReplaceFile(*fs_, Path("a/b/c"), "secret").ok());
  struct stat info;
  ASSERT_EQ(stat(Path("a/b/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077, 0u);
  ASSERT_EQ(stat(Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077, 0u);
}

TEST_F(PosixFileSystemTest, ClosesItsDescriptorsInProgramsThatItStarts) {
  auto file = fs_->Open(Path("a"), OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  EXPECT_NE(fcntl((*file)->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixFileSystemTest, SaysInItsErrorsWhatToDo) {
  ASSERT_TRUE(ReplaceFile(*fs_, Path("file"), "").ok());
  EXPECT_EQ(fs_->Open(Path("file/below"), OpenMode::kRead).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_->Open(directory_.path(), OpenMode::kReadWrite).status().code(), StatusCode::kIo);
  if (geteuid() != 0) {  // Nothing is forbidden to root.
    ASSERT_EQ(chmod(directory_.path().c_str(), 0500), 0);
    const Status status = fs_->Open(Path("new"), OpenMode::kCreateNew).status();
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
    EXPECT_NE(status.message().find("choose another folder"), std::string::npos);
    ASSERT_EQ(chmod(directory_.path().c_str(), 0700), 0);
  }
  if (access("/dev/full", W_OK) == 0) {
    auto full = fs_->Open("/dev/full", OpenMode::kReadWrite);
    ASSERT_TRUE(full.ok()) << full.status().ToString();
    const Status status = (*full)->WriteAt(0, std::as_bytes(std::span("x")));
    EXPECT_EQ(status.code(), StatusCode::kNotEnoughSpace);
    EXPECT_NE(status.message().find("free some space"), std::string::npos) << status.message();
  }
}

TEST_F(PosixFileSystemTest, WritesWhatFitsAndSaysSoAtTheLimitOfAFilesSize) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10'000, 10'000};
    auto file = fs_->Open(Path("a"), OpenMode::kReadWrite);
    const std::string bytes(20'000, 'x');
    const bool full =
        setrlimit(RLIMIT_FSIZE, &limit) == 0 && file.ok() &&
        (*file)->WriteAt(0, std::as_bytes(std::span(bytes))).code() == StatusCode::kNotEnoughSpace;
    _exit(full && (*file)->Size().value() == 10'000 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Paths, AreJoinedAndTakenApart) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("a"), ".");
  EXPECT_EQ(ParentPath("/b"), "/");
}

}  // namespace
}  // namespace godwit
