// Aim: a pinned client talks to the server with that key, and tells no other one anything, though
// an authority that it trusts vouches for it. The real client against the real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "http/http_client.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

using ::testing::HasSubstr;

// "sha256//…" of a certificate's P-256 key: its SubjectPublicKeyInfo is found by how it begins.
std::string PinOf(std::string certificate) {
  const size_t begin = certificate.find('\n') + 1;
  certificate = certificate.substr(begin, certificate.find("-----END") - begin);
  std::erase(certificate, '\n');
  const std::string der = *Base64Decode(certificate);
  constexpr std::string_view kHead(
      "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
      "\x03\x42\x00",
      26);
  const std::string key = der.substr(der.find(kHead), kHead.size() + 65);
  const auto hash = Sha256Of(key);
  return "sha256//" + Base64Encode(std::as_bytes(std::span(hash)));
}

TEST(PinnedKey, IsTheOnlyOneThatTheClientTalksTo) {
  const testing::TempDirectory directory;
  const auto fs = NewPosixFileSystem();
  const int64_t now_ms = NewSystemClock()->NowMs();
  CertificateRequest wish{.common_name = "Test",
                          .names = {"127.0.0.0/255.0.0.0"},
                          .not_before_ms = now_ms - 3'600'000,
                          .not_after_ms = now_ms + 3'600'000};
  const IssuedCertificate authority = *NewAuthority(wish);
  wish.names = {"127.0.0.1"};
  const IssuedCertificate issued = *IssueServerCertificate(authority, wish);
  const std::string other_pin = PinOf(IssueServerCertificate(authority, wish)->certificate);
  const std::string ca_file = directory.path() + "/ca.pem";
  const std::string server_file = directory.path() + "/server.pem";
  ASSERT_TRUE(ReplaceFile(*fs, ca_file, authority.certificate).ok());
  ASSERT_TRUE(ReplaceFile(*fs, server_file, issued.certificate + issued.private_key).ok());
  ServerConfig config;
  config.listen_tls = {"127.0.0.1:0"};
  config.tls = {{server_file, server_file}};
  ServerUnderTest server(config);

  const struct {
    const char* name;
    std::vector<std::string> pins;
    bool accepted;
  } kRows[] = {
      {"no pin", {}, true},
      {"its key", {PinOf(issued.certificate)}, true},
      {"its key among others", {other_pin, PinOf(issued.certificate)}, true},
      {"another key of the same authority", {other_pin}, false},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    for (const std::string& pin : row.pins) EXPECT_TRUE(CheckPin(pin).ok()) << pin;
    const auto client = NewCurlHttpClient(
        {.user_agent = "", .ca_file = ca_file, .proxy_url = "", .pins = row.pins});
    HttpRequest request;
    request.url = server.tls_url() + "/healthz";
    const auto response = client->Send(request, nullptr, nullptr);
    ASSERT_EQ(response.ok(), row.accepted) << response.status().ToString();
    if (row.accepted) {
      EXPECT_EQ(response->body, "ok\n");
    } else {
      EXPECT_EQ(response.status().code(), StatusCode::kPermissionDenied);
      EXPECT_THAT(response.status().message(), HasSubstr("nothing was sent"));
    }
  }
}

}  // namespace
}  // namespace godwit::server
