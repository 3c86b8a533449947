#include "server/access/access_snapshot.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <span>

namespace godwit::server {
namespace {

constexpr size_t kApiKeySize = 39;
constexpr size_t kKidSizeMax = 16;
constexpr int64_t kHourMs = 3600 * 1000;
constexpr std::string_view kBlobPath = "/blobs/sha256/";
constexpr size_t kBlobPathSize = kBlobPath.size() + 64;

// The claims' bytes: version, project, expiry, app, length of the FID, FID padded with zeros.
// Numbers are big-endian. 48 bytes are 64 characters of base64url, without a remainder.
constexpr std::byte kTokenVersion{1};
constexpr size_t kClaimsSize = 1 + 8 + 8 + 8 + 1 + FidView::kSizeMax;
constexpr size_t kClaimsTextSize = 64;
constexpr size_t kSignatureTextSize = 43;
static_assert(kClaimsSize * 4 == kClaimsTextSize * 3);

using ClaimsBytes = std::array<std::byte, kClaimsSize>;

void PutNumber(std::byte* out, uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::byte>(value & 0xff);
}

uint64_t GetNumber(const std::byte* in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | std::to_integer<uint64_t>(in[i]);
  return value;
}

ClaimsBytes Pack(const InstallationClaims& claims) {
  ClaimsBytes bytes{};
  bytes[0] = kTokenVersion;
  PutNumber(&bytes[1], static_cast<uint64_t>(claims.project_number));
  PutNumber(&bytes[9], static_cast<uint64_t>(claims.expires_ms));
  PutNumber(&bytes[17], claims.app_hash);
  const std::string_view fid = claims.fid.text();
  bytes[25] = static_cast<std::byte>(fid.size());
  std::memcpy(&bytes[26], fid.data(), fid.size());
  return bytes;
}

bool Unpack(const ClaimsBytes& bytes, InstallationClaims* claims) {
  const size_t fid_size = std::to_integer<size_t>(bytes[25]);
  if (bytes[0] != kTokenVersion || fid_size > FidView::kSizeMax) return false;
  claims->project_number = static_cast<int64_t>(GetNumber(&bytes[1]));
  claims->expires_ms = static_cast<int64_t>(GetNumber(&bytes[9]));
  claims->app_hash = GetNumber(&bytes[17]);
  claims->fid = FidView({reinterpret_cast<const char*>(&bytes[26]), fid_size});
  return true;
}

// True when text is the base64url form of the tag.
bool SignatureMatches(std::string_view text, const std::array<uint8_t, 32>& tag) {
  std::array<std::byte, 32> given;
  return text.size() == kSignatureTextSize && Base64UrlDecodeTo(text, given) == given.size() &&
         ConstantTimeEqual(given, std::as_bytes(std::span(tag)));
}

// What a link's signature covers, "/blobs/sha256/HEX?exp=N", in a buffer on the stack. It starts
// with a slash and a token starts with a kid, so neither signature can pass for the other.
class LinkText {
 public:
  LinkText(std::string_view path, std::string_view expiry) {
    Append(path);
    Append("?exp=");
    Append(expiry);
  }
  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  void Append(std::string_view part) {
    assert(size_ + part.size() <= buffer_.size());
    std::memcpy(buffer_.data() + size_, part.data(), part.size());
    size_ += part.size();
  }
  std::array<char, 128> buffer_;
  size_t size_ = 0;
};

// The first value of a query parameter; empty when absent.
std::string_view QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace

FidView::FidView(std::string_view fid) : size_(static_cast<uint8_t>(fid.size())) {
  assert(fid.size() <= kSizeMax);
  std::copy(fid.begin(), fid.end(), bytes_.begin());
}

uint64_t AppHash(std::string_view app_id) {
  const auto digest = Sha256Of(app_id);
  return GetNumber(std::as_bytes(std::span(digest)).data());
}

AccessSnapshot::AccessSnapshot(Contents contents) : contents_(std::move(contents)) {
  assert(!contents_.signing_keys.empty());
  const auto& keys = contents_.api_keys;
  api_key_slots_.resize(std::bit_ceil(keys.size() * 2 + 1));
  for (size_t i = 0; i < keys.size(); ++i) {
    size_t slot = GetNumber(std::as_bytes(std::span(keys[i].first)).data());
    while (api_key_slots_[slot & (api_key_slots_.size() - 1)] != 0) ++slot;
    api_key_slots_[slot & (api_key_slots_.size() - 1)] = static_cast<uint32_t>(i + 1);
  }
  for (const Project& project : contents_.projects) {
    project_numbers_.push_back(std::to_string(project.number));
  }
  for (const Project& project : contents_.projects) {
    projects_by_name_.emplace(project.id, &project);
  }
  // Last, so that an id wins over a number that looks the same.
  for (size_t i = 0; i < project_numbers_.size(); ++i) {
    projects_by_name_.emplace(project_numbers_[i], &contents_.projects[i]);
  }
  for (const App& app : contents_.apps) apps_by_hash_.emplace(AppHash(app.id), &app);
}

const ApiKey* AccessSnapshot::FindApiKey(std::string_view key) const {
  if (key.size() != kApiKeySize) return nullptr;
  // Comparing hashes byte by byte tells nothing about the keys.
  const KeyHash hash = Sha256Of(key);
  for (size_t slot = GetNumber(std::as_bytes(std::span(hash)).data());; ++slot) {
    const uint32_t index = api_key_slots_[slot & (api_key_slots_.size() - 1)];
    if (index == 0) return nullptr;
    const auto& [known, api_key] = contents_.api_keys[index - 1];
    if (known == hash) return &api_key;
  }
}

const Project* AccessSnapshot::FindProject(std::string_view id_or_number) const {
  const auto found = projects_by_name_.find(id_or_number);
  return found == projects_by_name_.end() ? nullptr : found->second;
}

const App* AccessSnapshot::FindApp(std::string_view app_id) const {
  const App* const app = FindApp(AppHash(app_id));
  return app != nullptr && app->id == app_id ? app : nullptr;
}

const App* AccessSnapshot::FindApp(uint64_t app_hash) const {
  const auto found = apps_by_hash_.find(app_hash);
  return found == apps_by_hash_.end() ? nullptr : found->second;
}

const AccessSnapshot::SigningKey* AccessSnapshot::FindSigningKey(std::string_view kid) const {
  for (const SigningKey& key : contents_.signing_keys) {
    if (key.kid == kid) return &key;
  }
  return nullptr;
}

TokenCheck AccessSnapshot::VerifyInstallationToken(std::string_view token, int64_t now_ms,
                                                   InstallationClaims* claims) const {
  constexpr size_t kBehindKid = 1 + kClaimsTextSize + 1 + kSignatureTextSize;
  if (token.size() <= kBehindKid || token.size() > kBehindKid + kKidSizeMax) {
    return TokenCheck::kMalformed;
  }
  const size_t kid_size = token.size() - kBehindKid;
  const size_t signed_size = kid_size + 1 + kClaimsTextSize;
  if (token[kid_size] != '.' || token[signed_size] != '.') return TokenCheck::kMalformed;
  const SigningKey* const key = FindSigningKey(token.substr(0, kid_size));
  if (key == nullptr) return TokenCheck::kUnknownKey;
  if (!SignatureMatches(token.substr(signed_size + 1),
                        key->key.Sign(token.substr(0, signed_size)))) {
    return TokenCheck::kBadSignature;
  }
  ClaimsBytes bytes;
  const std::string_view claims_text = token.substr(kid_size + 1, kClaimsTextSize);
  if (Base64UrlDecodeTo(claims_text, bytes) != bytes.size() || !Unpack(bytes, claims)) {
    return TokenCheck::kMalformed;
  }
  return claims->expires_ms > now_ms ? TokenCheck::kValid : TokenCheck::kExpired;
}

bool AccessSnapshot::Fits(const InstallationClaims& claims, const ApiKey& key) const {
  if (claims.project_number != key.project_number) return false;
  return key.app_id.empty() ? FindApp(claims.app_hash) != nullptr : key.app_hash == claims.app_hash;
}

std::string AccessSnapshot::SignInstallationToken(const InstallationClaims& claims) const {
  const SigningKey& key = contents_.signing_keys.front();
  std::string token = key.kid + "." + Base64UrlEncode(Pack(claims));
  const auto tag = key.key.Sign(token);
  return token + "." + Base64UrlEncode(std::as_bytes(std::span(tag)));
}

int64_t AccessSnapshot::BlobLinkExpiryMs(int64_t now_ms) {
  return now_ms / kHourMs * kHourMs + 25 * kHourMs;
}

std::string AccessSnapshot::SignBlobLink(std::string_view digest_hex, int64_t now_ms) const {
  assert(digest_hex.size() == 64);
  const SigningKey& key = contents_.signing_keys.front();
  const std::string path = std::string(kBlobPath).append(digest_hex);
  const std::string expiry = std::to_string(BlobLinkExpiryMs(now_ms) / 1000);
  const auto tag = key.key.Sign(LinkText(path, expiry).text());
  return contents_.public_url + path + "?exp=" + expiry + "&kid=" + key.kid +
         "&sig=" + Base64UrlEncode(std::as_bytes(std::span(tag)));
}

LinkCheck AccessSnapshot::VerifyBlobLink(std::string_view path, std::string_view query,
                                         int64_t now_ms) const {
  constexpr size_t kExpirySizeMax = 12;
  const std::string_view expiry = QueryValue(query, "exp");
  const SigningKey* const key = FindSigningKey(QueryValue(query, "kid"));
  if (path.size() != kBlobPathSize || expiry.empty() || expiry.size() > kExpirySizeMax ||
      key == nullptr ||
      !SignatureMatches(QueryValue(query, "sig"), key->key.Sign(LinkText(path, expiry).text()))) {
    return LinkCheck::kBadSignature;
  }
  int64_t expires_s = 0;
  std::from_chars(expiry.data(), expiry.data() + expiry.size(), expires_s);
  return expires_s > now_ms / 1000 ? LinkCheck::kValid : LinkCheck::kExpired;
}

}  // namespace godwit::server
