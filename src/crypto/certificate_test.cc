#include "crypto/certificate.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

constexpr int64_t kDayMs = int64_t{86'400} * 1000;
constexpr int64_t kNowMs = 1'767'323'045'000;

CertificateRequest Request(std::vector<std::string> names) {
  return {"A test", std::move(names), kNowMs - kDayMs, kNowMs + 30 * kDayMs};
}

IssuedCertificate Authority() {
  static const IssuedCertificate authority =
      NewAuthority(
          Request({"localhost", "storage.googleapis.com", "127.0.0.0/255.0.0.0", "fc00::/fe00::"}))
          .value();
  return authority;
}

Status Verify(const std::vector<std::string>& names, const std::string& name,
              int64_t at_ms = kNowMs) {
  const auto issued = IssueServerCertificate(Authority(), Request(names));
  if (!issued.ok()) return issued.status();
  return VerifyServerCertificate(issued->certificate, Authority().certificate, name, at_ms);
}

TEST(Certificate, IsTrustedForItsNamesWithinTheAuthoritysLimits) {
  const std::vector<std::string> names = {"localhost", "storage.googleapis.com", "127.0.0.1",
                                          "fd00::1"};
  for (const std::string& name : names) EXPECT_TRUE(Verify(names, name).ok()) << name;
  const Status other = Verify(names, "oauth2.googleapis.com");
  EXPECT_EQ(other.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(other.message().find("ostname mismatch"), std::string::npos) << other.message();
}

TEST(Certificate, OfAnAuthorityCannotVouchForTheRestOfTheWeb) {
  for (const char* name : {"accounts.google.com", "googleapis.com", "example.org", "8.8.8.8",
                           "2001:db8::1", "notlocalhost"}) {
    const Status status = Verify({"localhost", name}, name);
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << name;
    EXPECT_NE(status.message().find("permitted subtree violation"), std::string::npos)
        << name << ": " << status.message();
  }
}

TEST(Certificate, IsTrustedWithinItsDatesOnly) {
  EXPECT_TRUE(Verify({"localhost"}, "localhost", kNowMs + 29 * kDayMs).ok());
  for (const int64_t at_ms : {kNowMs - 2 * kDayMs, kNowMs + 31 * kDayMs}) {
    EXPECT_EQ(Verify({"localhost"}, "localhost", at_ms).code(), StatusCode::kPermissionDenied);
  }
  EXPECT_EQ(CertificateExpiryMs(Authority().certificate).value(), kNowMs + 30 * kDayMs);
  EXPECT_EQ(CertificateExpiryMs("no PEM").status().code(), StatusCode::kInvalidArgument);
}

TEST(Certificate, OfAnotherAuthorityIsRefused) {
  const auto other = NewAuthority(Request({"localhost"}));
  const auto issued = IssueServerCertificate(*other, Request({"localhost"}));
  EXPECT_EQ(
      VerifyServerCertificate(issued->certificate, Authority().certificate, "localhost", kNowMs)
          .code(),
      StatusCode::kPermissionDenied);
  const IssuedCertificate mixed{Authority().certificate, other->private_key};
  EXPECT_EQ(IssueServerCertificate(mixed, Request({"localhost"})).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Certificate, IsNotMadeForWhatIsNoName) {
  for (const char* name : {"", "a,DNS:b", "a b", "1.2.3.4.5", "critical;", "::g", "a\n", "*"}) {
    EXPECT_EQ(IssueServerCertificate(Authority(), Request({name})).status().code(),
              StatusCode::kInvalidArgument)
        << name;
    EXPECT_EQ(NewAuthority(Request({name})).status().code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(NewAuthority(Request({})).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NewAuthority(Request(std::vector<std::string>(101, "a"))).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
