// CertificateFiles: the server's TLS certificates on disk, and when they change.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/tls.h"
#include "fs/file_system.h"
#include "server/config.h"

namespace godwit::server {

// Thread-safe. Each call reads the files, so it may block on the disk.
class CertificateFiles {
 public:
  // fs, clock and logger must outlive it.
  CertificateFiles(std::vector<TlsFiles> files, FileSystem& fs, const Clock& clock, Logger& logger)
      : files_(std::move(files)), fs_(fs), clock_(clock), logger_(logger) {}

  // nullptr when there are no files. kInvalidArgument and what FileSystem says name the file at
  // fault. Warns of certificates that clients refuse, or soon will, and of keys that anybody may
  // read.
  Result<std::shared_ptr<const TlsContext>> Load();

  // What to use from now on, when the bytes of a file have changed since the last call, or when
  // the key of session tickets is old (kTicketKeyLifeMs); else nullptr. So it is when the new
  // files cannot be used: that is logged once, and the server goes on with what it has.
  std::shared_ptr<const TlsContext> TakeChange();

  // Who steals the key reads the TLS 1.2 sessions of so long a time.
  static constexpr int64_t kTicketKeyLifeMs = 24 * 3600 * 1000;

 private:
  Result<std::vector<TlsIdentity>> Read() const;
  Result<std::shared_ptr<const TlsContext>> Use(const Result<std::vector<TlsIdentity>>& read);
  void Warn(const TlsContext& context) const;

  const std::vector<TlsFiles> files_;
  FileSystem& fs_;
  const Clock& clock_;
  Logger& logger_;
  std::mutex mutex_;
  std::string seen_;  // What the last reading found: a digest of the bytes, or the error.
  int64_t made_ms_ = 0;
};

}  // namespace godwit::server
