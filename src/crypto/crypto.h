// The one door to OpenSSL for everything but TLS sockets: hashes, HMAC, RSA signatures, random.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

// Streaming SHA-256. Not thread-safe; reusable after Finish.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::span<const std::byte> data);
  std::array<uint8_t, 32> Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// One shot, without allocation.
std::array<uint8_t, 32> Sha256Of(std::string_view data);

// MD5, for Cloud Storage's md5Hash only; never for security.
class Md5 {
 public:
  Md5();
  ~Md5();
  void Update(std::span<const std::byte> data);
  std::array<uint8_t, 16> Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// HMAC-SHA256 under a fixed key. Prepared once (two hashed pads), so that Sign costs two
// copied contexts and no allocation. Sign is thread-safe.
class HmacKey {
 public:
  explicit HmacKey(std::span<const std::byte> key);
  ~HmacKey();
  HmacKey(HmacKey&&) noexcept;
  std::array<uint8_t, 32> Sign(std::string_view data) const;

 private:
  struct Pads;
  std::unique_ptr<Pads> pads_;
};

// Compares in a time that depends on the length alone; false when lengths differ.
bool ConstantTimeEqual(std::span<const std::byte> a, std::span<const std::byte> b);

// From the system's generator. Aborts if it fails: no secret may be predictable.
void FillRandom(std::span<std::byte> out);
std::string RandomBytes(size_t count);

std::string Base64Encode(std::span<const std::byte> data);     // With padding.
std::string Base64UrlEncode(std::span<const std::byte> data);  // Without padding.
Result<std::string> Base64Decode(std::string_view text);       // Standard, padded.
Result<std::string> Base64UrlDecode(std::string_view text);    // With or without padding.
// As Base64UrlDecode without padding, into out and without allocation: the number of bytes
// written, or nullopt when the text is wrong or does not fit.
std::optional<size_t> Base64UrlDecodeTo(std::string_view text, std::span<std::byte> out);
std::string HexEncode(std::span<const std::byte> data);  // Lower case.
Result<std::string> HexDecode(std::string_view text);

// An RSA key pair or a public key. Thread-safe once made.
class RsaKey {
 public:
  // 2048 bits. Takes about a tenth of a second.
  static Result<RsaKey> Generate();
  // PKCS#8 or PKCS#1 PEM.
  static Result<RsaKey> FromPrivatePem(std::string_view pem);
  // SubjectPublicKeyInfo PEM.
  static Result<RsaKey> FromPublicPem(std::string_view pem);
  ~RsaKey();
  RsaKey(RsaKey&&) noexcept;
  RsaKey& operator=(RsaKey&&) noexcept;

  std::string PrivatePem() const;  // PKCS#8, as Google's key files hold it.
  std::string PublicPem() const;

  // RSASSA-PKCS1-v1_5 with SHA-256 (RS256 of RFC 7518). Sign needs a private key.
  Result<std::string> SignSha256(std::string_view data) const;
  bool VerifySha256(std::string_view data, std::string_view signature) const;

 private:
  struct Key;
  explicit RsaKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

// A std::string_view's bytes, for the functions above.
inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace godwit
