#include "server/storage/signed_url.h"

#include <algorithm>
#include <charconv>

#include "base/time_format.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

constexpr size_t kParametersMax = 64;
constexpr std::string_view kAlgorithm = "GOOG4-RSA-SHA256";
constexpr std::string_view kSignatureV4 = "X-Goog-Signature";

Status Malformed(std::string_view what) {
  return Status(StatusCode::kInvalidArgument, "the signed URL is malformed: " + std::string(what));
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Without blanks at both ends, and with one for each run of them inside.
std::string FoldBlanks(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (folded.empty() || folded.back() == ' ')) continue;
    folded.push_back(blank ? ' ' : c);
  }
  while (folded.ends_with(' ')) folded.pop_back();
  return folded;
}

// All values of the header, joined by commas.
std::string HeaderValue(const SignedRequest& request, std::string_view lower_name) {
  std::string joined;
  for (const SignedRequest::Header& header : request.headers) {
    if (LowerCase(header.name) != lower_name) continue;
    if (!joined.empty()) joined += ',';
    joined += FoldBlanks(header.value);
  }
  return joined;
}

// Clients may encode more or less than the signer did; what is signed has one form.
std::string CanonicalPath(std::string_view path) {
  const auto decoded = PercentDecode(path);
  return decoded.ok() ? PercentEncode(*decoded, "/") : std::string(path);
}

// "20260102T030405Z"; -1 when it is none.
int64_t ParseBasicTimeMs(std::string_view text) {
  if (text.size() != 16) return -1;
  const std::string t(text);
  return ParseTimeMs(t.substr(0, 4) + '-' + t.substr(4, 2) + '-' + t.substr(6, 2) + t[8] +
                     t.substr(9, 2) + ':' + t.substr(11, 2) + ':' + t.substr(13));
}

std::optional<int64_t> ParseSeconds(std::string_view text) {
  constexpr int64_t kSecondsMax = int64_t{1} << 40;  // So that milliseconds fit, too.
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end || value < 0 || value > kSecondsMax) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<SignedUrl::Parameters> SignedUrl::ReadParameters(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(query.size(), end + 1));
    if (part.empty()) continue;
    if (parameters.size() == kParametersMax) return Malformed("it has too many parameters");
    const size_t equals = std::min(part.find('='), part.size());
    GODWIT_ASSIGN_OR_RETURN(std::string name, PercentDecode(part.substr(0, equals)));
    GODWIT_ASSIGN_OR_RETURN(std::string value,
                            PercentDecode(part.substr(std::min(part.size(), equals + 1))));
    parameters.emplace_back(std::move(name), std::move(value));
  }
  return parameters;
}

std::string_view SignedUrl::Get(std::string_view name) const {
  for (const auto& [parameter, value] : parameters_) {
    if (parameter == name) return value;
  }
  return {};
}

Result<std::optional<SignedUrl>> SignedUrl::Parse(std::string_view query) {
  SignedUrl url;
  GODWIT_ASSIGN_OR_RETURN(url.parameters_, ReadParameters(query));
  if (!url.Get(kSignatureV4).empty()) {
    GODWIT_RETURN_IF_ERROR(url.ReadV4());
  } else if (!url.Get("Signature").empty() && !url.Get("GoogleAccessId").empty()) {
    GODWIT_RETURN_IF_ERROR(url.ReadV2());
  } else {
    return std::optional<SignedUrl>();
  }
  return std::optional<SignedUrl>(std::move(url));
}

Status SignedUrl::ReadV2() {
  version_ = Version::kV2;
  email_ = Get("GoogleAccessId");
  const auto expires_s = ParseSeconds(Get("Expires"));
  if (!expires_s) return Malformed("Expires must be seconds since 1970");
  expire_ms_ = *expires_s * 1000;
  // A '+' that a sloppy signer left unencoded reads as a space nowhere in base64.
  std::string text(Get("Signature"));
  std::replace(text.begin(), text.end(), ' ', '+');
  auto signature = Base64Decode(text);
  if (!signature.ok()) return Malformed("Signature must be base64");
  signature_ = *std::move(signature);
  return Status::Ok();
}

Status SignedUrl::ReadV4() {
  if (Get("X-Goog-Algorithm") != kAlgorithm) {
    return Malformed("X-Goog-Algorithm must be " + std::string(kAlgorithm));
  }
  const std::string_view credential = Get("X-Goog-Credential");
  const std::string_view date = Get("X-Goog-Date");
  const size_t slash = credential.find('/');
  start_ms_ = ParseBasicTimeMs(date);
  if (start_ms_ < 0) return Malformed("X-Goog-Date must be like 20260102T030405Z");
  if (slash == std::string_view::npos || slash == 0) {
    return Malformed("X-Goog-Credential must begin with the account's email");
  }
  email_ = credential.substr(0, slash);
  scope_ = credential.substr(slash + 1);
  if (!scope_.starts_with(std::string(date.substr(0, 8)) + "/") ||
      !scope_.ends_with("/storage/goog4_request")) {
    return Malformed("X-Goog-Credential must end in DATE/LOCATION/storage/goog4_request");
  }
  const auto lifetime_s = ParseSeconds(Get("X-Goog-Expires"));
  if (!lifetime_s || *lifetime_s == 0 || *lifetime_s > kLifetimeMaxS) {
    return Malformed("X-Goog-Expires must be 1 to 604800 seconds");
  }
  expire_ms_ = start_ms_ + *lifetime_s * 1000;
  const std::string names = ";" + std::string(Get("X-Goog-SignedHeaders")) + ";";
  if (names.find(";host;") == std::string::npos) {
    return Malformed("X-Goog-SignedHeaders must name host");
  }
  auto signature = HexDecode(LowerCase(Get(kSignatureV4)));
  if (!signature.ok()) return Malformed("X-Goog-Signature must be hex");
  signature_ = *std::move(signature);
  return Status::Ok();
}

Status SignedUrl::CheckTime(int64_t now_ms) const {
  if (now_ms > expire_ms_) {
    return Status(StatusCode::kDownloadUrlExpired, "the signed URL has expired; sign a new one");
  }
  if (start_ms_ > now_ms + kClockSkewMs) {
    return Status(StatusCode::kPermissionDenied,
                  "the signed URL is of a time to come; set the signer's clock right");
  }
  return Status::Ok();
}

std::string SignedUrl::TextV2(const SignedRequest& request, std::string_view method) const {
  std::vector<std::string> names;
  for (const SignedRequest::Header& header : request.headers) {
    std::string name = LowerCase(header.name);
    if (name.starts_with("x-goog-") && !name.starts_with("x-goog-encryption-")) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text = std::string(method) + '\n' + HeaderValue(request, "content-md5") + '\n' +
                     HeaderValue(request, "content-type") + '\n' + std::string(Get("Expires")) +
                     '\n';
  for (const std::string& name : names) text += name + ':' + HeaderValue(request, name) + '\n';
  if (!request.bucket_of_host.empty()) text += '/' + std::string(request.bucket_of_host);
  return text + CanonicalPath(request.path);
}

std::string SignedUrl::TextV4(const SignedRequest& request, std::string_view method,
                              std::string_view host) const {
  std::vector<std::string> query;
  for (const auto& [name, value] : parameters_) {
    if (name != kSignatureV4) query.push_back(PercentEncode(name) + '=' + PercentEncode(value));
  }
  std::sort(query.begin(), query.end());
  std::string canonical = std::string(method) + '\n' + CanonicalPath(request.path) + '\n';
  for (size_t i = 0; i < query.size(); ++i) canonical += (i == 0 ? "" : "&") + query[i];
  canonical += '\n';
  const std::string_view signed_headers = Get("X-Goog-SignedHeaders");
  for (std::string_view rest = signed_headers; !rest.empty();) {
    const size_t end = std::min(rest.find(';'), rest.size());
    const std::string name(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    canonical += name + ':';
    canonical += name == "host" ? std::string(host) : HeaderValue(request, name);
    canonical += '\n';
  }
  const std::string payload = HeaderValue(request, "x-goog-content-sha256");
  canonical += '\n' + std::string(signed_headers) + '\n';
  canonical += payload.empty() ? "UNSIGNED-PAYLOAD" : payload;
  const auto hash = Sha256Of(canonical);
  return std::string(kAlgorithm) + '\n' + std::string(Get("X-Goog-Date")) + '\n' + scope_ + '\n' +
         HexEncode(std::as_bytes(std::span(hash)));
}

bool SignedUrl::SignsExtensionHeaders(const SignedRequest& request) const {
  const std::string signed_names = ";" + std::string(Get("X-Goog-SignedHeaders")) + ";";
  return std::all_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    const std::string name = LowerCase(header.name);
    return !name.starts_with("x-goog-") || signed_names.find(";" + name + ";") != std::string::npos;
  });
}

bool SignedUrl::Verify(const SignedRequest& request, const RsaKey& public_key) const {
  if (version_ == Version::kV4 && !SignsExtensionHeaders(request)) return false;
  std::vector<std::string_view> methods = {request.method};
  if (request.method == "HEAD") methods.emplace_back("GET");
  // Google's signer for Node leaves the port out.
  std::vector<std::string_view> hosts = {request.host};
  if (const auto bare = WithoutPort(request.host); bare != request.host) hosts.push_back(bare);
  for (const std::string_view method : methods) {
    if (version_ == Version::kV2) {
      if (public_key.VerifySha256(TextV2(request, method), signature_)) return true;
      continue;
    }
    for (const std::string_view host : hosts) {
      if (public_key.VerifySha256(TextV4(request, method, host), signature_)) return true;
    }
  }
  return false;
}

}  // namespace godwit::server
