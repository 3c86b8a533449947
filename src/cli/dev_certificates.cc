#include "cli/dev_certificates.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/time_format.h"
#include "crypto/certificate.h"
#include "proxy/firebase_hosts.h"

namespace godwit::cli {
namespace {

constexpr int64_t kDayMs = int64_t{86'400} * 1000;
constexpr int64_t kLifeMs = 30 * kDayMs;
constexpr int64_t kRenewBeforeMs = 7 * kDayMs;
constexpr uint64_t kPemBytesMax = 64 << 10;
constexpr size_t kAddressesMax = 20;  // Some machines have one for each container.

bool IsDnsName(const std::string& name) {
  return !name.empty() &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
             std::string::npos &&
         name.find_first_not_of("0123456789.") != std::string::npos;
}

// This machine's own name; empty when it has none that a certificate could hold.
std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || !IsDnsName(name.data())) return "";
  return name.data();
}

bool IsPrivate(uint32_t address) {  // In host order.
  return address >> 24 == 10 || address >> 20 == (172 << 4 | 1) ||
         address >> 16 == (192 << 8 | 168);
}

std::vector<std::string> PrivateAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* found = nullptr;
  if (::getifaddrs(&found) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(found, &::freeifaddrs);
  for (const ifaddrs* entry = found; entry != nullptr && addresses.size() < kAddressesMax;
       entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (!IsPrivate(ntohl(address.s_addr)) ||
        ::inet_ntop(AF_INET, &address, text.data(), text.size()) == nullptr) {
      continue;
    }
    addresses.emplace_back(text.data());
  }
  return addresses;
}

// What the authority may vouch for: nothing that is somebody else's.
std::vector<std::string> PermittedNames() {
  std::vector<std::string> names = {"localhost",
                                    "local",  // Names of the own network (RFC 6762).
                                    "127.0.0.0/255.0.0.0",
                                    "10.0.0.0/255.0.0.0",
                                    "172.16.0.0/255.240.0.0",
                                    "192.168.0.0/255.255.0.0",
                                    "::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
  for (const std::string_view host : FirebaseHosts()) names.emplace_back(host);
  if (const std::string name = HostName(); !name.empty()) names.push_back(name);
  return names;
}

Status CheckNames(const std::string& certificate, const std::string& authority,
                  const std::vector<std::string>& names, int64_t at_ms) {
  for (const std::string& name : names) {
    GODWIT_RETURN_IF_ERROR(VerifyServerCertificate(certificate, authority, name, at_ms));
  }
  return Status::Ok();
}

// The text; empty when there is none to read.
std::string ReadText(FileSystem& fs, const std::string& path) {
  auto text = ReadWholeFile(fs, path, kPemBytesMax);
  return text.ok() ? *text : "";
}

CertificateRequest Request(std::string common_name, std::vector<std::string> names,
                           int64_t now_ms) {
  // From yesterday, for emulators whose clocks are behind.
  return {std::move(common_name), std::move(names), now_ms - kDayMs, now_ms + kLifeMs};
}

}  // namespace

Result<DevCertificates> EnsureDevCertificates(FileSystem& fs, const Clock& clock,
                                              const std::string& folder,
                                              const std::vector<std::string>& names) {
  DevCertificates files;
  files.authority_path = JoinPath(folder, "ca.pem");
  files.server_path = JoinPath(folder, "server.pem");
  const std::string key_path = JoinPath(folder, "ca-key.pem");
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs, folder));
  IssuedCertificate authority{ReadText(fs, files.authority_path), ReadText(fs, key_path)};
  const std::string server = ReadText(fs, files.server_path);
  const int64_t now_ms = clock.NowMs();
  const int64_t needed_ms = now_ms + kRenewBeforeMs;
  if (!CheckNames(server, authority.certificate, names, needed_ms).ok()) {
    const CertificateRequest request = Request("Godwit development server", names, now_ms);
    auto issued = IssueServerCertificate(authority, request);
    if (!issued.ok() ||
        !CheckNames(issued->certificate, authority.certificate, names, needed_ms).ok()) {
      GODWIT_ASSIGN_OR_RETURN(
          authority,
          NewAuthority(Request("Godwit development CA " + FormatTimeMillis(now_ms).substr(0, 10),
                               PermittedNames(), now_ms)));
      issued = IssueServerCertificate(authority, request);
      GODWIT_RETURN_IF_ERROR(issued.status());
      files.authority_is_new = true;
      // The key first: a certificate without its key would only be made anew.
      GODWIT_RETURN_IF_ERROR(ReplaceFile(fs, key_path, authority.private_key));
      GODWIT_RETURN_IF_ERROR(ReplaceFile(fs, files.authority_path, authority.certificate));
    }
    // One file, so that certificate and key are never of two makings.
    GODWIT_RETURN_IF_ERROR(
        ReplaceFile(fs, files.server_path, issued->certificate + issued->private_key));
  }
  GODWIT_ASSIGN_OR_RETURN(files.authority_expiry_ms, CertificateExpiryMs(authority.certificate));
  return files;
}

std::vector<std::string> DevServerNames() {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1",
                                    "10.0.2.2"};  // An Android emulator's name for its host.
  for (const std::string_view host : FirebaseHosts()) names.emplace_back(host);
  if (const std::string name = HostName(); !name.empty() && name != "localhost") {
    names.push_back(name);
    if (name.find('.') == std::string::npos) names.push_back(name + ".local");
  }
  for (std::string& address : PrivateAddresses()) {
    if (std::ranges::find(names, address) == names.end()) names.push_back(std::move(address));
  }
  return names;
}

}  // namespace godwit::cli
