#include "http/http_client.h"

#include <algorithm>
#include <initializer_list>

namespace godwit {
namespace {

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

bool IsBase64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

}  // namespace

std::optional<std::string_view> FindHeader(const std::vector<HttpHeader>& headers,
                                           std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

Status CheckProxyUrl(std::string_view proxy_url) {
  if (proxy_url.empty()) return Status::Ok();
  for (const std::string_view scheme : {"http://", "https://", "socks5://", "socks5h://"}) {
    const bool is_visible =
        std::ranges::all_of(proxy_url, [](char c) { return c > ' ' && c < 0x7f; });
    if (proxy_url.starts_with(scheme) && proxy_url.size() > scheme.size() && is_visible) {
      return Status::Ok();
    }
  }
  return Status(StatusCode::kInvalidArgument,
                "the proxy's address starts with none of http://, https://, socks5:// and "
                "socks5h://; give one like http://proxy.example.org:3128");
}

Status CheckPin(std::string_view pin) {
  constexpr std::string_view kPrefix = "sha256//";
  constexpr size_t kDigits = 43;  // Of 32 bytes; then one '='.
  if (pin.starts_with(kPrefix) && pin.size() == kPrefix.size() + kDigits + 1 &&
      pin.ends_with('=') && std::ranges::all_of(pin.substr(kPrefix.size(), kDigits), IsBase64)) {
    return Status::Ok();
  }
  return Status(StatusCode::kInvalidArgument,
                "the pin is not sha256// and 44 characters of Base64; docs/guides/app.md says how "
                "to make one");
}

}  // namespace godwit
