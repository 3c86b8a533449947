// Certificates for development: an authority of one's own, and what it vouches for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

struct CertificateRequest {
  std::string common_name;
  // DNS names and IP addresses. Of an authority: all that it may vouch for (a DNS name stands for
  // the names below it, too; addresses are written "10.0.0.0/255.0.0.0").
  std::vector<std::string> names;
  int64_t not_before_ms = 0;
  int64_t not_after_ms = 0;
};

// Both as PEM. The key is a secret.
struct IssuedCertificate {
  std::string certificate;
  std::string private_key;
};

// A self-signed authority with a new P-256 key. Its name constraints (RFC 5280, section 4.2.1.10)
// keep it from vouching for anything but the names. kInvalidArgument when a name is malformed.
Result<IssuedCertificate> NewAuthority(const CertificateRequest& request);

// A server's certificate with a new P-256 key, signed by the authority. Whether the authority
// may vouch for the names shows only when somebody verifies it.
Result<IssuedCertificate> IssueServerCertificate(const IssuedCertificate& authority,
                                                 const CertificateRequest& request);

// What a client that trusts this authority alone would say at that instant about a server of that
// name or address. kPermissionDenied carries OpenSSL's reason.
Status VerifyServerCertificate(std::string_view certificate, std::string_view authority,
                               const std::string& name, int64_t at_ms);

// The certificate's last instant. kInvalidArgument for anything but a PEM certificate.
Result<int64_t> CertificateExpiryMs(std::string_view certificate);

}  // namespace godwit
