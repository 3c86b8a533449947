#include "server/storage/storage_uri.h"

#include <algorithm>
#include <array>

#include "server/storage/object.h"

namespace godwit::server {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool IsGoogleStorageHost(std::string_view host) {
  constexpr std::array<std::string_view, 3> kHosts = {
      "storage.googleapis.com", "www.googleapis.com", "firebasestorage.googleapis.com"};
  return std::find(kHosts.begin(), kHosts.end(), host) != kHosts.end() ||
         !BucketOfHost(host).empty();
}

std::string_view WithoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  // The colons of "[::1]" are no port's.
  return colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

std::string_view BucketOfHost(std::string_view host) {
  host = WithoutPort(host);
  constexpr std::string_view kSuffix = ".storage.googleapis.com";
  if (!host.ends_with(kSuffix)) return {};
  host.remove_suffix(kSuffix.size());
  return host;
}

std::string PercentEncode(std::string_view text, std::string_view kept) {
  constexpr char kHex[] = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";  // RFC 3986, 2.3.
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved.find(c) != std::string_view::npos || kept.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 15]);
    }
  }
  return encoded;
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Status(StatusCode::kInvalidArgument, "a '%' must be followed by two hex digits");
    }
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

Result<StorageUri> ParseStorageUri(std::string_view uri,
                                   const std::function<bool(std::string_view)>& is_storage_host) {
  constexpr size_t kUriMax = 8 << 10;
  const Status wrong(StatusCode::kInvalidArgument,
                     "tfliteModel.gcsTfliteUri must be gs://bucket/object, or a link to this "
                     "server's storage: upload the file here first");
  if (uri.size() > kUriMax) return wrong;
  StorageUri result;
  const size_t scheme_end = uri.find("://");
  if (scheme_end == std::string_view::npos) return wrong;
  const std::string_view scheme = uri.substr(0, scheme_end);
  std::string_view rest = uri.substr(scheme_end + 3);
  const bool link = scheme == "http" || scheme == "https";
  if (!link && scheme != "gs") return wrong;
  if (link) {
    rest = rest.substr(0, rest.find_first_of("?#"));
    const size_t slash = rest.find('/');
    const std::string_view host = rest.substr(0, slash);
    if (slash == std::string_view::npos || !(IsGoogleStorageHost(host) || is_storage_host(host))) {
      return wrong;
    }
    result.bucket = BucketOfHost(host);
    rest.remove_prefix(slash + 1);
  }
  if (!result.bucket.empty()) {
    GODWIT_ASSIGN_OR_RETURN(result.object_name, PercentDecode(rest));
    GODWIT_RETURN_IF_ERROR(CheckObjectName(result.bucket, result.object_name));
    return result;
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return wrong;
  result.bucket = rest.substr(0, slash);
  result.object_name = rest.substr(slash + 1);
  if (link) {
    GODWIT_ASSIGN_OR_RETURN(result.object_name, PercentDecode(rest.substr(slash + 1)));
  }
  GODWIT_RETURN_IF_ERROR(
      CheckObjectName(result.bucket, result.object_name).WithContext("tfliteModel.gcsTfliteUri"));
  return result;
}

}  // namespace godwit::server
