#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cassert>

#include "crypto/crypto.h"

namespace godwit {
namespace {

// A key file is some 1,700 bytes; anything much larger is no key.
constexpr size_t kPemMaxBytes = 16 << 10;
// Shorter keys can be broken; longer ones only let a caller burn our CPU.
constexpr int kBitsMin = 2048;
constexpr int kBitsMax = 8192;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreePkey>;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// An encrypted PEM must not make the library ask for a password on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

using PemReader = EVP_PKEY* (*)(BIO*, EVP_PKEY**, pem_password_cb*, void*);

Result<PkeyPtr> ReadPem(std::string_view pem, PemReader reader) {
  if (pem.size() > kPemMaxBytes) {
    return Status(StatusCode::kInvalidArgument, "the key text is too long to be an RSA key");
  }
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key(bio ? reader(bio.get(), nullptr, NoPassword, nullptr) : nullptr);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return Status(StatusCode::kInvalidArgument,
                  "this is not an unencrypted RSA key in PEM form; use the key file as it was "
                  "made by the server");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kBitsMin || bits > kBitsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "the RSA key has " + std::to_string(bits) + " bits; use one of 2048 to 8192");
  }
  return key;
}

}  // namespace

struct RsaKey::Key {
  PkeyPtr pkey;
  bool has_private = false;
};

RsaKey::RsaKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
RsaKey::~RsaKey() = default;
RsaKey::RsaKey(RsaKey&&) noexcept = default;
RsaKey& RsaKey::operator=(RsaKey&&) noexcept = default;

Result<RsaKey> RsaKey::Generate() {
  PkeyPtr pkey(EVP_RSA_gen(static_cast<size_t>(kBitsMin)));
  if (!pkey) return Status(StatusCode::kInternal, "no RSA key could be made; try again");
  auto key = std::make_unique<Key>();
  key->pkey = std::move(pkey);
  key->has_private = true;
  return RsaKey(std::move(key));
}

Result<RsaKey> RsaKey::FromPrivatePem(std::string_view pem) {
  auto key = std::make_unique<Key>();
  GODWIT_ASSIGN_OR_RETURN(key->pkey, ReadPem(pem, PEM_read_bio_PrivateKey));
  key->has_private = true;
  return RsaKey(std::move(key));
}

Result<RsaKey> RsaKey::FromPublicPem(std::string_view pem) {
  auto key = std::make_unique<Key>();
  GODWIT_ASSIGN_OR_RETURN(key->pkey, ReadPem(pem, PEM_read_bio_PUBKEY));
  return RsaKey(std::move(key));
}

std::string RsaKey::PrivatePem() const {
  assert(key_->has_private);
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key_->pkey.get(), nullptr, nullptr, 0,
                                            nullptr, nullptr) != 1) {
    return {};
  }
  return TextOf(bio.get());
}

std::string RsaKey::PublicPem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key_->pkey.get()) != 1) return {};
  return TextOf(bio.get());
}

Result<std::string> RsaKey::SignSha256(std::string_view data) const {
  if (!key_->has_private) {
    return Status(StatusCode::kFailedPrecondition,
                  "a public key cannot sign; load the private one");
  }
  const Status failed(StatusCode::kInternal, "the RSA key could not sign; make a new key");
  const ContextPtr context(EVP_MD_CTX_new());
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1) {
    return failed;
  }
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_->pkey.get())), '\0');
  size_t size = signature.size();
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Unsigned(data), data.size()) != 1) {
    return failed;
  }
  signature.resize(size);
  return signature;
}

bool RsaKey::VerifySha256(std::string_view data, std::string_view signature) const {
  const ContextPtr context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) ==
             1 &&
         EVP_DigestVerify(context.get(), Unsigned(signature), signature.size(), Unsigned(data),
                          data.size()) == 1;
}

}  // namespace godwit
