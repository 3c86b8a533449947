#include "crypto/tls_test_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace godwit {

struct TlsTestClient::Parts {
  ~Parts() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
};

TlsTestClient::TlsTestClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsTestClient::~TlsTestClient() = default;

std::unique_ptr<TlsTestClient> TlsTestClient::Connect(int descriptor, const Options& options,
                                                      std::string* alert) {
  ERR_clear_error();
  auto parts = std::make_unique<Parts>();
  parts->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(parts->context, options.max_version == "1.1"   ? TLS1_1_VERSION
                                                : options.max_version == "1.2" ? TLS1_2_VERSION
                                                                               : TLS1_3_VERSION);
  if (options.max_version == "1.1") {  // Which Debian's settings forbid.
    SSL_CTX_set_min_proto_version(parts->context, TLS1_VERSION);
    SSL_CTX_set_security_level(parts->context, 0);
  }
  SSL* const ssl = parts->ssl = SSL_new(parts->context);
  if (!options.protocol.empty()) {
    const std::string list = static_cast<char>(options.protocol.size()) + options.protocol;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
  if (options.resume != nullptr) {
    // A copy, for a connection that is cut spoils its session.
    SSL_SESSION* const session = SSL_SESSION_dup(SSL_get0_session(options.resume->parts_->ssl));
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
  SSL_set_fd(ssl, descriptor);
  if (SSL_connect(ssl) != 1) {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    if (alert != nullptr) *alert = reason != nullptr ? reason : "";
    return nullptr;
  }
  return std::unique_ptr<TlsTestClient>(new TlsTestClient(std::move(parts)));
}

bool TlsTestClient::Write(std::string_view bytes) {
  ERR_clear_error();
  return bytes.empty() || SSL_write(parts_->ssl, bytes.data(), static_cast<int>(bytes.size())) ==
                              static_cast<int>(bytes.size());
}

int64_t TlsTestClient::Read(std::span<char> out) {
  ERR_clear_error();
  const int count = SSL_read(parts_->ssl, out.data(), static_cast<int>(out.size()));
  if (count > 0) return count;
  return SSL_get_error(parts_->ssl, count) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void TlsTestClient::Shutdown() {
  ERR_clear_error();
  SSL_shutdown(parts_->ssl);
}

std::string TlsTestClient::version() const { return SSL_get_version(parts_->ssl); }

std::string TlsTestClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(parts_->ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsTestClient::server_name() const {
  X509* const certificate = SSL_get0_peer_certificate(parts_->ssl);
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

bool TlsTestClient::resumed() const { return SSL_session_reused(parts_->ssl) == 1; }

bool TlsTestClient::RequestNewKeys() {
  return SSL_key_update(parts_->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
         SSL_do_handshake(parts_->ssl) == 1;
}

bool TlsTestClient::Renegotiate() {
  ERR_clear_error();
  // Without this OpenSSL's client only begins, and hears the answer when it reads.
  if (SSL_renegotiate(parts_->ssl) != 1 || SSL_do_handshake(parts_->ssl) != 1) return false;
  char byte;
  return SSL_peek(parts_->ssl, &byte, 1) > 0;
}

}  // namespace godwit
