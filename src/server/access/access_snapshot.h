// AccessSnapshot: everything that a device's request is checked against, in memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/crypto.h"
#include "server/access/access_types.h"

namespace godwit::server {

// An installation id in its own bytes, so that checking a token allocates nothing.
class FidView {
 public:
  static constexpr size_t kSizeMax = 22;
  FidView() = default;
  // REQUIRES: fid.size() <= kSizeMax.
  explicit FidView(std::string_view fid);
  std::string_view text() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::array<char, kSizeMax> bytes_{};
  uint8_t size_ = 0;
};

// The claims of an installation token.
struct InstallationClaims {
  int64_t project_number = 0;
  int64_t expires_ms = 0;
  uint64_t app_hash = 0;  // AppHash of the app's id.
  FidView fid;
};

// The first 8 bytes of the app id's SHA-256.
uint64_t AppHash(std::string_view app_id);

enum class TokenCheck { kValid, kMalformed, kUnknownKey, kBadSignature, kExpired };
enum class LinkCheck { kValid, kBadSignature, kExpired };

// Immutable: a change in the database makes a new one. Every method is thread-safe, does not
// block and, where it does not return a std::string, does not allocate.
class AccessSnapshot {
 public:
  struct SigningKey {
    std::string kid;  // 1 to 16 of A-Za-z0-9_-.
    HmacKey key;
  };
  using KeyHash = std::array<uint8_t, 32>;
  struct Contents {
    std::vector<Project> projects;
    std::vector<App> apps;
    std::vector<std::pair<KeyHash, ApiKey>> api_keys;  // By SHA-256 of the key.
    std::vector<SigningKey> signing_keys;              // Newest first, never empty.
    std::string public_url;                            // No slash at the end.
  };
  explicit AccessSnapshot(Contents contents);
  AccessSnapshot(const AccessSnapshot&) = delete;
  AccessSnapshot& operator=(const AccessSnapshot&) = delete;

  // nullptr when there is no such key.
  const ApiKey* FindApiKey(std::string_view key) const;

  // By text id or by number in digits; nullptr when there is none.
  const Project* FindProject(std::string_view id_or_number) const;
  const App* FindApp(std::string_view app_id) const;
  // By AppHash of its id.
  const App* FindApp(uint64_t app_hash) const;

  // Three base64url parts separated by dots: kid, claims, HMAC-SHA256 over the first two. The
  // caller compares claims->project_number with the request's project.
  TokenCheck VerifyInstallationToken(std::string_view token, int64_t now_ms,
                                     InstallationClaims* claims) const;
  // Whether what a valid token claims belongs to the key's project and app. A key of one app lives
  // no longer than its app; a token may.
  bool Fits(const InstallationClaims& claims, const ApiKey& key) const;
  std::string SignInstallationToken(const InstallationClaims& claims) const;

  // "{public}/blobs/sha256/HEX?exp=..&kid=..&sig=..". Links made within one hour for one blob
  // are equal; they expire 24 to 25 h ahead, at BlobLinkExpiry.
  std::string SignBlobLink(std::string_view digest_hex, int64_t now_ms) const;
  // Milliseconds: the full hour after now_ms + 24 h.
  static int64_t BlobLinkExpiryMs(int64_t now_ms);

  // path is "/blobs/sha256/HEX"; query as sent, without '?'. Unknown parameters are ignored.
  // kExpired only when the signature is right: 400, else kBadSignature: 403.
  LinkCheck VerifyBlobLink(std::string_view path, std::string_view query, int64_t now_ms) const;

  const std::string& public_url() const { return contents_.public_url; }
  const std::vector<Project>& projects() const { return contents_.projects; }
  const std::vector<App>& apps() const { return contents_.apps; }

 private:
  const SigningKey* FindSigningKey(std::string_view kid) const;

  Contents contents_;
  std::vector<std::string> project_numbers_;  // In digits, as contents_.projects.
  // By id and by number in digits; the texts are those above.
  std::unordered_map<std::string_view, const Project*> projects_by_name_;
  std::unordered_map<uint64_t, const App*> apps_by_hash_;
  // Open addressing over api_keys by the first bytes of their hash: index + 1, 0 when free. Its
  // size is a power of two and at least twice the number of keys.
  std::vector<uint32_t> api_key_slots_;
};

}  // namespace godwit::server
