#include "crypto/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cassert>
#include <ctime>
#include <utility>

namespace godwit {
namespace {

// A chain is some 5,000 bytes, a key 3,000; anything much larger is something else.
constexpr size_t kPemMaxBytes = 256 << 10;

// Mozilla's "intermediate" set without finite-field Diffie-Hellman, which costs much and
// which no client needs that knows any of these. All are strong, so the client's order decides: a
// phone without AES instructions asks for ChaCha20.
constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreePkey>;
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

Status Invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// With the reason of the oldest error, which is the cause of the others.
Status OpensslError(const std::string& what) {
  const unsigned long error = ERR_peek_error();
  const char* const reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return Invalid(what + ": " + (reason != nullptr ? reason : "OpenSSL gives no reason"));
}

// An encrypted key must not make the library ask for a password on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// "*.example.org" stands for one label: "a.example.org", but not "a.b.example.org".
bool NameMatches(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && name.substr(dot) == pattern.substr(1);
}

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::vector<std::string> DnsNames(X509* certificate) {
  std::vector<std::string> dns_names;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) dns_names.push_back(LowerCase(TextOf(name->d.dNSName)));
  }
  return dns_names;
}

int64_t MsOf(const ASN1_TIME* time) {
  std::tm utc = {};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? int64_t{timegm(&utc)} * 1000 : 0;
}

// Chooses the identity by the name that the client asks for (RFC 6066, section 3).
int ChooseByName(SSL* ssl, int*, void* parts_pointer) {
  const auto& parts = *static_cast<const TlsContext::Parts*>(parts_pointer);
  const char* const asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::string name = LowerCase(asked);
  for (size_t i = 0; i < parts.certificates.size(); ++i) {
    const std::vector<std::string>& names = parts.certificates[i].names;
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& pattern) { return NameMatches(pattern, name); })) {
      SSL_set_SSL_CTX(ssl, parts.contexts[i].get());
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;  // The first one's certificate; the client judges it.
}

// A client that offers protocols, but not this one, is told so (RFC 7301, section 3.2).
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, chosen_size, kHttp11, sizeof kHttp11 - 1, offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

Result<SslContextPtr> NewSslContext() {
  SslContextPtr made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = made.get();
  static constexpr unsigned char kSessionIdContext[] = "godwit";
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1 ||
      SSL_CTX_set_session_id_context(context, kSessionIdContext, sizeof kSessionIdContext) != 1) {
    return OpensslError("TLS cannot be set up");
  }
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // Without its buffers an idle connection is some 30 KB smaller. What is written may move
  // between two attempts, and may be taken in part.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  // Sessions are kept by the clients, in one ticket each.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  return made;
}

Result<BioPtr> TextBio(const std::string& text, const std::string& file) {
  if (text.size() > kPemMaxBytes) {
    return Invalid(file + " is too large for a certificate or key: it is some other file");
  }
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return OpensslError("no memory for " + file);
  return bio;
}

Status UseChain(SSL_CTX* context, const TlsIdentity& identity, TlsContext::Certificate* info) {
  const std::string& file = identity.certificate_file;
  GODWIT_ASSIGN_OR_RETURN(const BioPtr bio, TextBio(identity.certificate_chain, file));
  const X509Ptr own(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassword, nullptr));
  if (!own) {
    return Invalid(file +
                   " holds no certificate in PEM form: its text must have a line "
                   "-----BEGIN CERTIFICATE-----");
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return OpensslError("the certificate in " + file + " cannot be used");
  }
  for (;;) {
    const X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return OpensslError("a certificate of the chain in " + file + " cannot be used");
    }
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return OpensslError("a certificate of the chain in " + file + " is broken");
  }
  ERR_clear_error();
  info->names = DnsNames(own.get());
  info->not_before_ms = MsOf(X509_get0_notBefore(own.get()));
  info->not_after_ms = MsOf(X509_get0_notAfter(own.get()));
  return Status::Ok();
}

Status UseKey(SSL_CTX* context, const TlsIdentity& identity) {
  const std::string& file = identity.private_key_file;
  GODWIT_ASSIGN_OR_RETURN(const BioPtr bio, TextBio(identity.private_key, file));
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (!key) {
    return Invalid(file +
                   " holds no private key in PEM form, or one under a password: the server can "
                   "ask nobody for it, so store the key without one");
  }
  ERR_clear_error();
  // With a key already set that does not match, OpenSSL would drop the certificate in silence.
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    return Invalid("the key in " + file + " does not belong to the certificate in " +
                   identity.certificate_file + ": name the two files that were made together");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return OpensslError("the key in " + file + " cannot be used");
  }
  return Status::Ok();
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;

const std::vector<TlsContext::Certificate>& TlsContext::certificates() const {
  return parts_->certificates;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::New(
    const std::vector<TlsIdentity>& identities) {
  assert(!identities.empty());
  ERR_clear_error();
  auto parts = std::make_unique<Parts>();
  for (const TlsIdentity& identity : identities) {
    GODWIT_ASSIGN_OR_RETURN(SslContextPtr context, NewSslContext());
    Certificate certificate;
    GODWIT_RETURN_IF_ERROR(UseChain(context.get(), identity, &certificate));
    GODWIT_RETURN_IF_ERROR(UseKey(context.get(), identity));
    parts->contexts.push_back(std::move(context));
    parts->certificates.push_back(std::move(certificate));
  }
  SSL_CTX_set_tlsext_servername_callback(parts->first(), ChooseByName);
  SSL_CTX_set_tlsext_servername_arg(parts->first(), parts.get());
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(parts)));
}

}  // namespace godwit
