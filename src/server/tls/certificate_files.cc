#include "server/tls/certificate_files.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/time_format.h"
#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr uint64_t kFileMaxBytes = 256 << 10;
constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr int64_t kWarnBeforeMs = 7 * kDayMs;

// Only digests are kept, for the texts hold keys.
std::string Seen(const Result<std::vector<TlsIdentity>>& read) {
  if (!read.ok()) return read.status().message();
  std::string digests;
  for (const TlsIdentity& identity : *read) {
    for (const std::string_view text :
         {std::string_view(identity.certificate_chain), std::string_view(identity.private_key)}) {
      const std::array<uint8_t, 32> digest = Sha256Of(text);
      digests.append(digest.begin(), digest.end());
    }
  }
  return digests;
}

}  // namespace

Result<std::vector<TlsIdentity>> CertificateFiles::Read() const {
  std::vector<TlsIdentity> identities;
  for (const TlsFiles& files : files_) {
    TlsIdentity identity;
    identity.certificate_file = files.certificate;
    identity.private_key_file = files.private_key;
    GODWIT_ASSIGN_OR_RETURN(identity.certificate_chain,
                            ReadWholeFile(fs_, files.certificate, kFileMaxBytes));
    GODWIT_ASSIGN_OR_RETURN(identity.private_key,
                            ReadWholeFile(fs_, files.private_key, kFileMaxBytes));
    identities.push_back(std::move(identity));
  }
  return identities;
}

Result<std::shared_ptr<const TlsContext>> CertificateFiles::Use(
    const Result<std::vector<TlsIdentity>>& read) {
  if (!read.ok()) return read.status();
  GODWIT_ASSIGN_OR_RETURN(std::shared_ptr<const TlsContext> context, TlsContext::New(*read));
  made_ms_ = clock_.MonotonicMs();
  Warn(*context);
  return context;
}

void CertificateFiles::Warn(const TlsContext& context) const {
  const int64_t now_ms = clock_.NowMs();
  for (size_t i = 0; i < files_.size(); ++i) {
    const TlsContext::Certificate& certificate = context.certificates()[i];
    const std::string begins = FormatTimeMillis(certificate.not_before_ms);
    const std::string ends = FormatTimeMillis(certificate.not_after_ms);
    const std::string& file = files_[i].certificate;
    if (certificate.not_after_ms <= now_ms) {
      logger_.Warning("a TLS certificate has expired, so clients refuse it: renew it",
                      {{"file", file}, {"expired", ends}});
    } else if (certificate.not_after_ms <= now_ms + kWarnBeforeMs) {
      logger_.Warning("a TLS certificate expires soon: renew it",
                      {{"file", file}, {"expires", ends}});
    } else if (certificate.not_before_ms > now_ms) {
      logger_.Warning("a TLS certificate is not valid yet: look at this machine's clock",
                      {{"file", file}, {"begins", begins}});
    }
    const Result<FileInfo> key = fs_.Stat(files_[i].private_key);
    if (key.ok() && key->others_may_read) {
      logger_.Warning(
          "every user of this machine may read a TLS key: take that right away "
          "(chmod o-r)",
          {{"file", files_[i].private_key}});
    }
  }
}

Result<std::shared_ptr<const TlsContext>> CertificateFiles::Load() {
  const std::lock_guard lock(mutex_);
  if (files_.empty()) return std::shared_ptr<const TlsContext>();
  const Result<std::vector<TlsIdentity>> read = Read();
  seen_ = Seen(read);
  return Use(read);
}

std::shared_ptr<const TlsContext> CertificateFiles::TakeChange() {
  const std::lock_guard lock(mutex_);
  const Result<std::vector<TlsIdentity>> read = Read();
  std::string seen = Seen(read);
  const bool changed = seen != seen_;
  if (!changed && clock_.MonotonicMs() - made_ms_ < kTicketKeyLifeMs) return nullptr;
  seen_ = std::move(seen);
  Result<std::shared_ptr<const TlsContext>> context = Use(read);
  if (context.ok()) {
    if (changed) logger_.Info("new connections get the changed TLS certificates");
    return *std::move(context);
  }
  if (changed) {
    logger_.Error("the changed TLS files cannot be used; the server goes on with the old ones",
                  {{"reason", context.status().message()}});
  }
  return nullptr;
}

}  // namespace godwit::server
