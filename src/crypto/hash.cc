#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "crypto/crypto.h"

namespace godwit {
namespace {

constexpr size_t kSha256Block = 64;

// OpenSSL's digests fail only when memory or the library itself is broken; going on would
// hand out wrong digests.
void Require(int openssl_ok, const char* what) {
  if (openssl_ok == 1) return;
  std::fprintf(stderr, "crypto: %s did not work; cannot go on safely\n", what);
  std::abort();
}

// Fetched once: looking an algorithm up by name takes a lock and a search on every call.
const EVP_MD* Fetched(const char* name) {
  const EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  Require(digest != nullptr ? 1 : 0, name);
  return digest;
}

const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const digest = Fetched("SHA256");
  return digest;
}

const EVP_MD* Md5Algorithm() {
  static const EVP_MD* const digest = Fetched("MD5");
  return digest;
}

// One digest in progress; starting again under the same algorithm allocates nothing.
class Running {
 public:
  explicit Running(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()), algorithm_(algorithm) {
    Start();
  }
  ~Running() { EVP_MD_CTX_free(context_); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void Start() { Require(EVP_DigestInit_ex(context_, algorithm_, nullptr), "EVP_DigestInit_ex"); }
  void Update(const void* data, size_t size) {
    Require(EVP_DigestUpdate(context_, data, size), "EVP_DigestUpdate");
  }
  template <size_t N>
  std::array<uint8_t, N> Finish() {
    std::array<uint8_t, N> out;
    Require(EVP_DigestFinal_ex(context_, out.data(), nullptr), "EVP_DigestFinal_ex");
    return out;
  }

 private:
  EVP_MD_CTX* context_;
  const EVP_MD* algorithm_;
};

Running& ThreadSha256() {
  thread_local Running running(Sha256Algorithm());
  return running;
}

}  // namespace

struct Sha256::Context {
  Running running{Sha256Algorithm()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const std::byte> data) {
  context_->running.Update(data.data(), data.size());
}

std::array<uint8_t, 32> Sha256::Finish() {
  const auto digest = context_->running.Finish<32>();
  context_->running.Start();
  return digest;
}

std::array<uint8_t, 32> Sha256Of(std::string_view data) {
  Running& running = ThreadSha256();
  running.Start();
  running.Update(data.data(), data.size());
  return running.Finish<32>();
}

struct Md5::Context {
  Running running{Md5Algorithm()};
};

Md5::Md5() : context_(std::make_unique<Context>()) {}
Md5::~Md5() = default;

void Md5::Update(std::span<const std::byte> data) {
  context_->running.Update(data.data(), data.size());
}

std::array<uint8_t, 16> Md5::Finish() {
  const auto digest = context_->running.Finish<16>();
  context_->running.Start();
  return digest;
}

// The key xored with HMAC's two constants (RFC 2104, section 2).
struct HmacKey::Pads {
  std::array<uint8_t, kSha256Block> inner;
  std::array<uint8_t, kSha256Block> outer;

  ~Pads() { OPENSSL_cleanse(this, sizeof *this); }
};

HmacKey::HmacKey(std::span<const std::byte> key) : pads_(std::make_unique<Pads>()) {
  std::array<uint8_t, kSha256Block> block{};
  if (key.size() > block.size()) {
    const auto digest =
        Sha256Of(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (size_t i = 0; i < block.size(); ++i) {
    pads_->inner[i] = static_cast<uint8_t>(block[i] ^ 0x36);
    pads_->outer[i] = static_cast<uint8_t>(block[i] ^ 0x5c);
  }
  OPENSSL_cleanse(block.data(), block.size());
}

HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;

std::array<uint8_t, 32> HmacKey::Sign(std::string_view data) const {
  // Copying two prepared contexts would save two blocks, but a copy allocates in OpenSSL 3.0.
  Running& running = ThreadSha256();
  running.Start();
  running.Update(pads_->inner.data(), pads_->inner.size());
  running.Update(data.data(), data.size());
  const auto inner = running.Finish<32>();
  running.Start();
  running.Update(pads_->outer.data(), pads_->outer.size());
  running.Update(inner.data(), inner.size());
  return running.Finish<32>();
}

bool ConstantTimeEqual(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void FillRandom(std::span<std::byte> out) {
  // In pieces, because the library counts in int.
  constexpr size_t kPiece = 1 << 20;
  while (!out.empty()) {
    const size_t count = out.size() < kPiece ? out.size() : kPiece;
    Require(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)),
            "the random generator");
    out = out.subspan(count);
  }
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  FillRandom(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace godwit
