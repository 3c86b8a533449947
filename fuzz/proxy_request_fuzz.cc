// The head of a request to the proxy: what comes out is what the proxy may act on and print.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/proxy_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto request = godwit::ParseProxyRequest(bytes);
  if (!request.ok() || !request->has_value()) return 0;
  const godwit::ProxyRequest& found = **request;
  if (found.head_bytes > size || found.head_bytes > godwit::kProxyHeadMaxBytes ||
      !bytes.substr(0, found.head_bytes).ends_with("\r\n\r\n")) {
    std::abort();
  }
  for (const char c : found.target) {
    if (c <= ' ' || c > '~') std::abort();
  }
  // The host goes into the proxy configuration's script.
  if (found.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._:[]") !=
      std::string::npos) {
    std::abort();
  }
  const bool is_connect = found.method == "CONNECT";
  if (is_connect && (found.host.empty() || found.port == 0)) std::abort();
  // Nothing that follows the head changes what it says.
  const auto alone = godwit::ParseProxyRequest(bytes.substr(0, found.head_bytes));
  if (!alone.ok() || !alone->has_value() || (*alone)->host != found.host) std::abort();
  return 0;
}
