// The client's side of TLS, for tests of the server's: another's code, in blocking calls.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit {

class TlsTestClient {
 public:
  struct Options {
    std::string server_name;                // To ask for; none when empty.
    std::string protocol = "http/1.1";      // To offer by ALPN; none when empty.
    std::string max_version = "1.3";        // "1.1", "1.2" or "1.3".
    const TlsTestClient* resume = nullptr;  // Whose session to offer.
  };

  // Shakes hands over a connected, blocking socket, which stays the caller's. nullptr when the
  // server refused; *alert, unless nullptr, is then OpenSSL's reason.
  static std::unique_ptr<TlsTestClient> Connect(int descriptor, const Options& options,
                                                std::string* alert = nullptr);
  ~TlsTestClient();

  bool Write(std::string_view bytes);
  // As ::recv. 0 only at an end that the server told.
  int64_t Read(std::span<char> out);
  void Shutdown();  // Tells the server that nothing more comes.

  std::string version() const;      // "TLSv1.3".
  std::string protocol() const;     // What the server chose by ALPN.
  std::string server_name() const;  // The common name in its certificate.
  bool resumed() const;
  // Asks for new keys, and that the server change its own (TLS 1.3).
  bool RequestNewKeys();
  // Whether the server lets this client renegotiate (TLS 1.2).
  bool Renegotiate();

 private:
  struct Parts;
  explicit TlsTestClient(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace godwit
