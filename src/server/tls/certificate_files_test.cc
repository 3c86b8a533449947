#include "server/tls/certificate_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <mutex>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;

class LinesLogger final : public Logger {
 public:
  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override {
    lines += level >= LogLevel::kError ? "E " : level == LogLevel::kWarning ? "W " : "I ";
    lines += message;
    for (const LogField& field : fields) lines.append(" ").append(field.value);
    lines += "\n";
  }
  std::string lines;
};

class CertificateFilesTest : public ::testing::Test {
 protected:
  CertificateFilesTest() : authority_(NewAuthority(Request("authority", {"test"}, 365)).value()) {}

  CertificateRequest Request(const std::string& name, std::vector<std::string> names,
                             int64_t days) const {
    return {name, std::move(names), clock_.NowMs() - 30 * kDayMs, clock_.NowMs() + days * kDayMs};
  }
  IssuedCertificate Issue(const std::string& name, int64_t days = 90) const {
    return IssueServerCertificate(authority_, Request(name, {name}, days)).value();
  }
  void Write(const std::string& file, const std::string& text) {
    ASSERT_TRUE(ReplaceFile(*fs_, JoinPath(folder_.path(), file), text).ok());
  }
  void Write(const IssuedCertificate& issued) {
    Write("a.pem", issued.certificate + authority_.certificate);
    Write("a.key", issued.private_key);
  }
  std::string Path(const std::string& file) const { return JoinPath(folder_.path(), file); }
  CertificateFiles Files() {
    return CertificateFiles({{Path("a.pem"), Path("a.key")}}, *fs_, clock_, logger_);
  }

  testing::TempDirectory folder_;
  testing::ManualClock clock_;
  LinesLogger logger_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  const IssuedCertificate authority_;
};

TEST_F(CertificateFilesTest, ReadsNamesAndDates) {
  Write(Issue("one.test"));
  const auto context = Files().Load();
  ASSERT_TRUE(context.ok()) << context.status().message();
  const TlsContext::Certificate& certificate = (*context)->certificates()[0];
  EXPECT_EQ(certificate.names, std::vector<std::string>{"one.test"});
  EXPECT_EQ(certificate.not_before_ms / 1000, (clock_.NowMs() - 30 * kDayMs) / 1000);
  EXPECT_EQ(certificate.not_after_ms / 1000, (clock_.NowMs() + 90 * kDayMs) / 1000);
  EXPECT_EQ(logger_.lines, "");
  EXPECT_EQ(CertificateFiles({}, *fs_, clock_, logger_).Load().value(), nullptr);
}

TEST_F(CertificateFilesTest, SaysWhatIsWrongWithTheFiles) {
  const IssuedCertificate good = Issue("one.test");
  const IssuedCertificate other = Issue("two.test");
  const std::string rsa_key = RsaKey::Generate().value().PrivatePem();
  const std::string half = good.certificate.substr(0, good.certificate.size() / 2);
  const struct {
    std::string certificate;
    std::string key;
    const char* message_part;
  } rows[] = {
      {"", good.private_key, "a.pem holds no certificate in PEM form"},
      {good.private_key, good.private_key, "a.pem holds no certificate in PEM form"},
      {half, good.private_key, "a.pem holds no certificate in PEM form"},
      {good.certificate + half, good.private_key, "of the chain in"},
      {std::string(300'000, 'x'), good.private_key, "a.pem"},
      {good.certificate, "", "a.key holds no private key in PEM form"},
      {good.certificate, good.certificate, "a.key holds no private key in PEM form"},
      {good.certificate, other.private_key, "does not belong to the certificate in"},
      {good.certificate, rsa_key, "does not belong to the certificate in"},
  };
  for (const auto& row : rows) {
    Write({row.certificate, row.key});
    Write("a.pem", row.certificate);
    const Status loaded = Files().Load().status();
    EXPECT_NE(loaded.message().find(row.message_part), std::string::npos) << loaded.message();
    EXPECT_EQ(loaded.message().find("PRIVATE KEY-----\nM"), std::string::npos);
  }
  ASSERT_TRUE(fs_->Remove(Path("a.pem")).ok());
  EXPECT_EQ(Files().Load().status().code(), StatusCode::kNotFound);
}

TEST_F(CertificateFilesTest, WarnsOfDatesAndOfKeysThatAnybodyMayRead) {
  const struct {
    int64_t days;
    const char* warning;
  } rows[] = {{-1, "has expired"}, {6, "expires soon"}, {8, ""}};
  for (const auto& row : rows) {
    logger_.lines.clear();
    Write(Issue("one.test", row.days));
    ASSERT_TRUE(Files().Load().ok());
    EXPECT_NE(logger_.lines.find(row.warning), std::string::npos) << logger_.lines;
    EXPECT_EQ(logger_.lines.empty(), row.warning[0] == '\0') << logger_.lines;
  }
  ASSERT_EQ(::chmod(Path("a.key").c_str(), 0644), 0);
  ASSERT_TRUE(Files().Load().ok());
  EXPECT_NE(logger_.lines.find("W every user of this machine may read a TLS key"),
            std::string::npos);
  logger_.lines.clear();
  clock_.Advance(-31 * kDayMs);
  ASSERT_EQ(::chmod(Path("a.key").c_str(), 0640), 0);
  ASSERT_TRUE(Files().Load().ok());
  EXPECT_NE(logger_.lines.find("W a TLS certificate is not valid yet"), std::string::npos);
}

TEST_F(CertificateFilesTest, TakesChangedFilesAndKeepsTheOldOnesWhenTheNewAreBroken) {
  Write(Issue("one.test"));
  CertificateFiles files = Files();
  ASSERT_TRUE(files.Load().ok());
  EXPECT_EQ(files.TakeChange(), nullptr);
  const IssuedCertificate renewed = Issue("renewed.test");
  Write("a.pem", renewed.certificate);  // Its key is still to come.
  EXPECT_EQ(files.TakeChange(), nullptr);
  EXPECT_EQ(files.TakeChange(), nullptr);
  EXPECT_EQ(logger_.lines.find("E the changed TLS files cannot be used"), 0u) << logger_.lines;
  EXPECT_EQ(std::count(logger_.lines.begin(), logger_.lines.end(), '\n'), 1) << "said once";
  ASSERT_TRUE(fs_->Remove(Path("a.key")).ok());
  EXPECT_EQ(files.TakeChange(), nullptr);
  Write("a.key", renewed.private_key);
  const auto context = files.TakeChange();
  ASSERT_NE(context, nullptr);
  EXPECT_EQ(context->certificates()[0].names[0], "renewed.test");
  EXPECT_EQ(files.TakeChange(), nullptr);
}

TEST_F(CertificateFilesTest, ChangesTheKeyOfSessionTicketsEachDay) {
  Write(Issue("one.test"));
  CertificateFiles files = Files();
  ASSERT_TRUE(files.Load().ok());
  clock_.Advance(CertificateFiles::kTicketKeyLifeMs - 1);
  EXPECT_EQ(files.TakeChange(), nullptr);
  clock_.Advance(1);
  EXPECT_NE(files.TakeChange(), nullptr);
  EXPECT_EQ(files.TakeChange(), nullptr);
}

}  // namespace
}  // namespace godwit::server
