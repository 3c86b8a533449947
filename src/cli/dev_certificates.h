// The throw-away authority of `godwit dev`, and the certificate of its server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fs/file_system.h"

namespace godwit::cli {

struct DevCertificates {
  std::string authority_path;  // "ca.pem": for clients to trust.
  std::string server_path;     // "server.pem": certificate and key, for the server.
  int64_t authority_expiry_ms = 0;
  bool authority_is_new = false;  // Whoever trusted the old one must trust this one instead.
};

// Keeps what the folder holds while it is good for all names and a week more; else makes a new
// certificate, and a new authority where the old one cannot vouch for it. The authority may vouch
// for Firebase's hosts, this machine's names and private addresses alone. Its key stays in the
// folder, readable by this user only. Safe to kill at any moment.
Result<DevCertificates> EnsureDevCertificates(FileSystem& fs, const Clock& clock,
                                              const std::string& folder,
                                              const std::vector<std::string>& names);

// Firebase's hosts and all names and private addresses by which this machine may be called,
// from itself, an emulator on it or its network.
std::vector<std::string> DevServerNames();

}  // namespace godwit::cli
