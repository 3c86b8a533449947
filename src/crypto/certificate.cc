#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "crypto/crypto.h"

namespace godwit {
namespace {

constexpr size_t kPemMaxBytes = 64 << 10;
constexpr size_t kNamesMax = 100;
constexpr size_t kNameMaxBytes = 253;
constexpr long kVersion3 = 2;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, Freer<ASN1_TIME_free>>;

Status Failed() {
  return Status(StatusCode::kInternal,
                "no certificate could be made; free some memory, then retry");
}

int NoPassword(char*, int, int, void*) { return 0; }

Result<BioPtr> Reader(std::string_view pem) {
  if (pem.size() > kPemMaxBytes) {
    return Status(StatusCode::kInvalidArgument, "the text is too long to be a certificate or key");
  }
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return Failed();
  return bio;
}

Result<X509Ptr> ReadCertificate(std::string_view pem) {
  GODWIT_ASSIGN_OR_RETURN(const BioPtr bio, Reader(pem));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
  if (!certificate) {
    return Status(StatusCode::kInvalidArgument, "the text holds no certificate in PEM form");
  }
  return certificate;
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

bool IsAddress(std::string_view name) {
  return name.find(':') != name.npos || name.find_first_not_of("0123456789./") == name.npos;
}

// Nothing that would mean something else in OpenSSL's little language of extensions.
bool IsPlain(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:/";
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.size() <= kNameMaxBytes &&
         name.find_first_not_of(kAllowed) == name.npos;
}

// "<prefix>DNS:a,<prefix>IP:1.2.3.4".
Result<std::string> ListNames(const std::vector<std::string>& names, const std::string& prefix) {
  if (names.empty() || names.size() > kNamesMax) {
    return Status(StatusCode::kInvalidArgument, "a certificate takes 1 to 100 names");
  }
  std::string text;
  for (const std::string& name : names) {
    if (!IsPlain(name)) {
      return Status(
          StatusCode::kInvalidArgument,
          "'" + name + "' is neither a DNS name nor an address, so no certificate was made");
    }
    text += (text.empty() ? "" : ",") + prefix + (IsAddress(name) ? "IP:" : "DNS:") + name;
  }
  return text;
}

// One certificate on its way: fields, extensions, signature.
class Draft {
 public:
  // issuer: nullptr makes it its own.
  Result<IssuedCertificate> Make(const CertificateRequest& request, X509* issuer,
                                 EVP_PKEY* issuer_key, const std::string& names) {
    if (!certificate_ || !key_ || !SetFields(request, issuer)) return Failed();
    const bool is_authority = issuer == nullptr;
    const bool common = is_authority ? Add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                                           Add(NID_key_usage, "critical,keyCertSign,cRLSign")
                                     : Add(NID_basic_constraints, "critical,CA:FALSE") &&
                                           Add(NID_key_usage, "critical,digitalSignature") &&
                                           Add(NID_ext_key_usage, "serverAuth");
    if (!common || !Add(NID_subject_key_identifier, "hash") ||
        !Add(NID_authority_key_identifier, "keyid:always")) {
      return Failed();
    }
    if (!Add(is_authority ? NID_name_constraints : NID_subject_alt_name, names)) {
      return Status(
          StatusCode::kInvalidArgument,
          "one of the names is no DNS name or address, so no certificate was made: " + names);
    }
    if (X509_sign(certificate_.get(), is_authority ? key_.get() : issuer_key, EVP_sha256()) == 0) {
      return Failed();
    }
    return Write();
  }

 private:
  bool SetFields(const CertificateRequest& request, X509* issuer) {
    X509* const x509 = certificate_.get();
    X509_NAME* const subject = X509_get_subject_name(x509);
    const std::string& name = request.common_name;
    std::string serial = RandomBytes(16);
    serial.front() = static_cast<char>(serial.front() & 0x7f);  // Positive.
    const auto* const bytes = reinterpret_cast<const unsigned char*>(serial.data());
    const NumberPtr number(BN_bin2bn(bytes, static_cast<int>(serial.size()), nullptr));
    issuer_ = issuer == nullptr ? x509 : issuer;
    return number && X509_set_version(x509, kVersion3) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(name.data()),
                                      static_cast<int>(name.size()), -1, 0) == 1 &&
           X509_set_issuer_name(x509, X509_get_subject_name(issuer_)) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(x509), request.not_before_ms / 1000) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(x509), request.not_after_ms / 1000) != nullptr &&
           X509_set_pubkey(x509, key_.get()) == 1;
  }

  bool Add(int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer_, certificate_.get(), nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1;
  }

  Result<IssuedCertificate> Write() const {
    const BioPtr certificate(BIO_new(BIO_s_mem()));
    const BioPtr key(BIO_new(BIO_s_secmem()));
    if (!certificate || !key || PEM_write_bio_X509(certificate.get(), certificate_.get()) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
      return Failed();
    }
    return IssuedCertificate{TextOf(certificate.get()), TextOf(key.get())};
  }

  const PkeyPtr key_{EVP_EC_gen("P-256")};
  const X509Ptr certificate_{X509_new()};
  X509* issuer_ = nullptr;
};

}  // namespace

Result<IssuedCertificate> NewAuthority(const CertificateRequest& request) {
  GODWIT_ASSIGN_OR_RETURN(const std::string names, ListNames(request.names, "permitted;"));
  return Draft().Make(request, nullptr, nullptr, "critical," + names);
}

Result<IssuedCertificate> IssueServerCertificate(const IssuedCertificate& authority,
                                                 const CertificateRequest& request) {
  GODWIT_ASSIGN_OR_RETURN(const std::string names, ListNames(request.names, ""));
  GODWIT_ASSIGN_OR_RETURN(const X509Ptr issuer, ReadCertificate(authority.certificate));
  GODWIT_ASSIGN_OR_RETURN(const BioPtr bio, Reader(authority.private_key));
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (!key || X509_check_private_key(issuer.get(), key.get()) != 1) {
    return Status(StatusCode::kInvalidArgument,
                  "the authority's key does not belong to its certificate, so nothing was signed");
  }
  return Draft().Make(request, issuer.get(), key.get(), names);
}

Status VerifyServerCertificate(std::string_view certificate, std::string_view authority,
                               const std::string& name, int64_t at_ms) {
  GODWIT_ASSIGN_OR_RETURN(const X509Ptr leaf, ReadCertificate(certificate));
  GODWIT_ASSIGN_OR_RETURN(const X509Ptr root, ReadCertificate(authority));
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!store || !context || X509_STORE_add_cert(store.get(), root.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) != 1) {
    return Failed();
  }
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, at_ms / 1000);
  const int is_set = IsAddress(name) ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str())
                                     : X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
  if (is_set != 1 || X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT) != 1 ||
      X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER) != 1) {
    return Status(StatusCode::kInvalidArgument, "'" + name + "' is no DNS name or address");
  }
  if (X509_verify_cert(context.get()) == 1) return Status::Ok();
  const int reason = X509_STORE_CTX_get_error(context.get());
  return Status(StatusCode::kPermissionDenied, "the certificate is not good for " + name + ": " +
                                                   X509_verify_cert_error_string(reason));
}

Result<int64_t> CertificateExpiryMs(std::string_view certificate) {
  GODWIT_ASSIGN_OR_RETURN(const X509Ptr x509, ReadCertificate(certificate));
  const TimePtr epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(x509.get())) != 1) {
    return Status(StatusCode::kInvalidArgument, "the certificate's dates cannot be read");
  }
  return (int64_t{days} * 86400 + seconds) * 1000;
}

}  // namespace godwit
