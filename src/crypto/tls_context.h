// TlsContext's inside, for the files of this folder that hold OpenSSL.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "crypto/tls.h"

namespace godwit {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeSslContext>;

struct TlsContext::Parts {
  // One for each identity, in their order. A connection begins with the first.
  std::vector<SslContextPtr> contexts;
  std::vector<Certificate> certificates;

  SSL_CTX* first() const { return contexts.front().get(); }
};

}  // namespace godwit
