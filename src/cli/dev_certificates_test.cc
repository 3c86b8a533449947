#include "cli/dev_certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "crypto/certificate.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::cli {
namespace {

constexpr int64_t kDayMs = int64_t{86'400} * 1000;

class DevCertificatesTest : public ::testing::Test {
 protected:
  DevCertificates Ensure(const std::vector<std::string>& names = DevServerNames()) {
    auto files = EnsureDevCertificates(*fs_, clock_, path("tls"), names);
    EXPECT_TRUE(files.ok()) << files.status().message();
    authority_ = ReadWholeFile(*fs_, files->authority_path, 1 << 20).value();
    server_ = ReadWholeFile(*fs_, files->server_path, 1 << 20).value();
    return *files;
  }
  Status Verify(const std::string& name) {
    return VerifyServerCertificate(server_, authority_, name, clock_.NowMs());
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  const testing::TempDirectory folder_;
  const std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  testing::ManualClock clock_;
  std::string authority_;
  std::string server_;
};

TEST_F(DevCertificatesTest, AreGoodForFirebasesHostsAndThisMachine) {
  const DevCertificates files = Ensure();
  EXPECT_TRUE(files.authority_is_new);
  EXPECT_EQ(files.authority_expiry_ms, (clock_.NowMs() + 30 * kDayMs) / 1000 * 1000);
  for (const char* name : {"localhost", "127.0.0.1", "10.0.2.2", "storage.googleapis.com",
                           "firebaseml.googleapis.com", "oauth2.googleapis.com"}) {
    EXPECT_TRUE(Verify(name).ok()) << name;
  }
  EXPECT_FALSE(Verify("accounts.google.com").ok());
  for (const char* secret : {"tls/ca-key.pem", "tls/server.pem"}) {
    struct stat info{};
    ASSERT_EQ(::stat(path(secret).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << secret;
  }
}

TEST_F(DevCertificatesTest, StayUntilAWeekBeforeTheirEnd) {
  Ensure();
  const std::string authority = authority_;
  const std::string server = server_;
  clock_.Advance(22 * kDayMs);
  EXPECT_FALSE(Ensure().authority_is_new);
  EXPECT_EQ(authority_, authority);
  EXPECT_EQ(server_, server);
  clock_.Advance(2 * kDayMs);
  EXPECT_TRUE(Ensure().authority_is_new);
  EXPECT_NE(authority_, authority);
  EXPECT_TRUE(Verify("localhost").ok());
}

TEST_F(DevCertificatesTest, OfANewNameComeFromTheSameAuthority) {
  Ensure({"localhost"});
  const std::string authority = authority_;
  EXPECT_FALSE(Verify("192.168.7.9").ok());
  EXPECT_FALSE(Ensure({"localhost", "192.168.7.9"}).authority_is_new);
  EXPECT_EQ(authority_, authority);
  EXPECT_TRUE(Verify("192.168.7.9").ok());
}

TEST_F(DevCertificatesTest, AreMadeAnewWhereAFileIsDamagedOrMissing) {
  for (const char* name : {"tls/ca.pem", "tls/ca-key.pem", "tls/server.pem"}) {
    for (const char* text : {"", "damaged"}) {
      Ensure();
      ASSERT_TRUE(ReplaceFile(*fs_, path(name), text).ok());
      ASSERT_TRUE(fs_->Remove(path("tls/server.pem")).ok());
      Ensure();
      EXPECT_TRUE(Verify("localhost").ok()) << name;
    }
  }
}

}  // namespace
}  // namespace godwit::cli
