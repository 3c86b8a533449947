// SignedUrl: the right to one request, signed by a service account as Cloud Storage's "V4" and
// "V2" define it (cloud.google.com/storage/docs/authentication/signatures).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace godwit::server {

// The request that a signature is checked against. Views of the caller's.
struct SignedRequest {
  struct Header {
    std::string_view name;
    std::string_view value;
  };
  std::string_view method;  // "GET"
  std::string_view host;    // With its port.
  std::string_view path;    // Percent-encoded: "/bucket/a%20b", or "/a%20b" in a bucket's own host.
  std::string_view bucket_of_host;  // Empty when the path names the bucket.
  std::span<const Header> headers;
};

class SignedUrl {
 public:
  static constexpr int64_t kLifetimeMaxS = 7 * 24 * 3600;  // V4's.
  static constexpr int64_t kClockSkewMs = 15 * 60 * 1000;

  // nullopt when the query bears no signature, kInvalidArgument when it bears a malformed one.
  static Result<std::optional<SignedUrl>> Parse(std::string_view query);

  // The service account that signed, as the query claims.
  const std::string& email() const { return email_; }

  // kDownloadUrlExpired after its end, kPermissionDenied when its clock is ahead of ours by more
  // than kClockSkewMs.
  Status CheckTime(int64_t now_ms) const;

  // Whether the account with this public key signed this request. What may be read may also be
  // asked for by HEAD. V4 holds for no request with an x-goog-* header that was not signed.
  bool Verify(const SignedRequest& request, const RsaKey& public_key) const;

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  enum class Version { kV2, kV4 };

  static Result<Parameters> ReadParameters(std::string_view query);
  std::string_view Get(std::string_view name) const;
  Status ReadV2();
  Status ReadV4();
  bool SignsExtensionHeaders(const SignedRequest& request) const;
  std::string TextV2(const SignedRequest& request, std::string_view method) const;
  std::string TextV4(const SignedRequest& request, std::string_view method,
                     std::string_view host) const;

  Version version_ = Version::kV4;
  Parameters parameters_;  // Decoded.
  std::string email_;
  std::string scope_;      // V4: "20260102/auto/storage/goog4_request".
  std::string signature_;  // Raw bytes.
  int64_t start_ms_ = 0;
  int64_t expire_ms_ = 0;
};

}  // namespace godwit::server
