#include "server/access/key_restrictions.h"

#include <algorithm>
#include <tuple>

namespace godwit::server {
namespace {

constexpr size_t kPatternMaxBytes = 255;
constexpr size_t kReferrerMaxBytes = 4096;
constexpr size_t kPackageMaxBytes = 200;
constexpr std::string_view kHostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-._:[]";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool EndsWithIgnoringCase(std::string_view text, std::string_view lower_end) {
  return text.size() >= lower_end.size() &&
         std::equal(lower_end.begin(), lower_end.end(),
                    text.end() - static_cast<long>(lower_end.size()),
                    [](char a, char b) { return a == Lower(b); });
}

// Views into an address. A port that is the scheme's own is left out.
struct Address {
  std::string_view scheme;
  std::string_view host;
  std::string_view port;
  std::string_view path;  // From its slash; empty when there is none.
};

bool SplitAuthority(std::string_view authority, Address* address) {
  // In "[::1]:80" the port's colon is the one behind the bracket.
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  address->host = authority.substr(0, colon);
  if (colon != std::string_view::npos) {
    address->port = authority.substr(colon + 1);
    if (address->port.empty() || address->port.size() > 5 ||
        address->port.find_first_not_of("0123456789") != std::string_view::npos) {
      return false;
    }
  }
  if ((address->scheme == "https" && address->port == "443") ||
      (address->scheme == "http" && address->port == "80")) {
    address->port = {};
  }
  // No '@': what stands before it would look like a host.
  return !address->host.empty() && authority.find('@') == std::string_view::npos;
}

// The scheme stays empty when there is none.
bool SplitAddress(std::string_view text, Address* address) {
  for (const std::string_view scheme : {"http", "https"}) {
    if (text.starts_with(scheme) && text.substr(scheme.size()).starts_with("://")) {
      address->scheme = scheme;
      text.remove_prefix(scheme.size() + 3);
      break;
    }
  }
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  address->path = text.substr(end);
  return SplitAuthority(text.substr(0, end), address);
}

Status Wrong(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// The texts of a list that a restriction must have.
Result<std::vector<Json>> Entries(const Json& list, const char* name) {
  if (list.is_array() && !list.items().empty() &&
      list.items().size() <= KeyRestrictions::kEntriesMax) {
    return list.items();
  }
  return Wrong(std::string(name) + " must be a list of 1 to " +
               std::to_string(KeyRestrictions::kEntriesMax) +
               " entries; to lift a restriction, leave it out");
}

}  // namespace

bool IsPackageName(std::string_view text) {
  const auto is_letter = [](char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; };
  return !text.empty() && text.size() <= kPackageMaxBytes && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

Result<ReferrerPattern> ReferrerPattern::Parse(std::string_view text) {
  ReferrerPattern pattern;
  pattern.text_ = text;
  Address address;
  const bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  bool valid = visible && text.size() <= kPatternMaxBytes && SplitAddress(text, &address);
  if (valid) {
    pattern.scheme_ = address.scheme;
    pattern.port_ = address.port;
    if (address.host.starts_with("*.")) address.host.remove_prefix(1);
    std::transform(address.host.begin(), address.host.end(), std::back_inserter(pattern.host_),
                   Lower);
    pattern.path_is_prefix_ = address.path.empty() || address.path.ends_with('*');
    if (address.path.ends_with('*')) address.path.remove_suffix(1);
    pattern.path_ = address.path.empty() ? "/" : address.path;
    const std::string_view host = pattern.host_;
    valid = host.find_first_not_of(kHostCharacters) == std::string_view::npos && host != "." &&
            !host.starts_with("..") && pattern.path_.front() == '/' &&
            pattern.path_.find_first_of("*?#") == std::string::npos;
  }
  if (valid) return pattern;
  return Wrong("'" + std::string(text.substr(0, kPatternMaxBytes)) +
               "' is no referrer; write it like https://*.example.com/path/*, with * for "
               "subdomains in front and for the path's rest alone");
}

bool ReferrerPattern::Matches(std::string_view url) const {
  Address page;
  if (url.size() > kReferrerMaxBytes || !SplitAddress(url, &page) || page.scheme.empty())
    return false;
  if (!scheme_.empty() && page.scheme != scheme_) return false;
  if (page.port != port_) return false;
  const bool any_subdomain = host_.front() == '.';
  if (any_subdomain ? page.host.size() <= host_.size() : page.host.size() != host_.size())
    return false;
  if (!EndsWithIgnoringCase(page.host, host_)) return false;
  const auto is_host_character = [](char c) {
    return kHostCharacters.find(Lower(c)) != std::string_view::npos;
  };
  if (!std::all_of(page.host.begin(), page.host.end(), is_host_character)) return false;
  // An origin has no path; it is the page's root. Query and fragment never count.
  std::string_view path = page.path.substr(0, page.path.find_first_of("?#"));
  if (path.empty()) path = "/";
  return path_is_prefix_ ? path.starts_with(path_) : path == path_;
}

bool KeyRestrictions::ParseSha1(std::string_view text, Sha1* out) {
  size_t digits = 0;
  for (const char c : text) {
    if (c == ':' && digits % 2 == 0) continue;
    const char lower = Lower(c);
    const bool is_digit = lower >= '0' && lower <= '9';
    if (!is_digit && (lower < 'a' || lower > 'f')) return false;
    if (digits == 2 * out->size()) return false;
    const int value = is_digit ? lower - '0' : lower - 'a' + 10;
    uint8_t& byte = (*out)[digits / 2];
    byte = static_cast<uint8_t>(digits % 2 == 0 ? value << 4 : byte | value);
    ++digits;
  }
  return digits == 2 * out->size();
}

Status KeyRestrictions::ReadAndroid(const Json& json) {
  kind_ = Kind::kAndroid;
  GODWIT_ASSIGN_OR_RETURN(const auto entries,
                          Entries(json["allowedApplications"], "allowedApplications"));
  for (const Json& entry : entries) {
    AndroidApp app{entry["packageName"].AsString(), {}};
    if (!IsPackageName(app.package) ||
        !ParseSha1(entry["sha1Fingerprint"].AsString(), &app.certificate)) {
      return Wrong(
          "an allowed application needs packageName, like com.example.app, and sha1Fingerprint, "
          "the 40 hexadecimal digits of its signing certificate's SHA-1");
    }
    android_apps_.push_back(std::move(app));
  }
  std::sort(android_apps_.begin(), android_apps_.end());
  return Status::Ok();
}

Status KeyRestrictions::ReadIos(const Json& json) {
  kind_ = Kind::kIos;
  GODWIT_ASSIGN_OR_RETURN(const auto entries,
                          Entries(json["allowedBundleIds"], "allowedBundleIds"));
  for (const Json& entry : entries) {
    if (!IsPackageName(entry.AsString())) {
      return Wrong("an allowed bundle id must be like com.example.app");
    }
    bundle_ids_.push_back(entry.AsString());
  }
  std::sort(bundle_ids_.begin(), bundle_ids_.end());
  return Status::Ok();
}

Status KeyRestrictions::ReadBrowser(const Json& json) {
  kind_ = Kind::kBrowser;
  GODWIT_ASSIGN_OR_RETURN(const auto entries,
                          Entries(json["allowedReferrers"], "allowedReferrers"));
  for (const Json& entry : entries) {
    GODWIT_ASSIGN_OR_RETURN(ReferrerPattern pattern, ReferrerPattern::Parse(entry.AsString()));
    referrers_.push_back(std::move(pattern));
  }
  return Status::Ok();
}

Result<KeyRestrictions> KeyRestrictions::FromJson(const Json& json) {
  KeyRestrictions restrictions;
  if (!json.is_object() && !json.is_null()) return Wrong("restrictions must be an object");
  int kinds = 0;
  for (const auto& [name, value] : json.members()) {
    if (value.is_null()) continue;
    if (name == "appId") {
      restrictions.app_id_ = value.AsString();
      if (restrictions.app_id_.empty()) return Wrong("restrictions.appId must be an app's id");
    } else if (name == "androidKeyRestrictions") {
      ++kinds;
      GODWIT_RETURN_IF_ERROR(restrictions.ReadAndroid(value));
    } else if (name == "iosKeyRestrictions") {
      ++kinds;
      GODWIT_RETURN_IF_ERROR(restrictions.ReadIos(value));
    } else if (name == "browserKeyRestrictions") {
      ++kinds;
      GODWIT_RETURN_IF_ERROR(restrictions.ReadBrowser(value));
    } else {
      // To accept what is not enforced would be a promise that is not kept.
      return Wrong("the restriction '" + name.substr(0, 100) +
                   "' is not offered here, so the key was left as it was; use "
                   "androidKeyRestrictions, iosKeyRestrictions, browserKeyRestrictions or appId");
    }
  }
  if (kinds <= 1) return restrictions;
  return Wrong(
      "a key is restricted to Android apps, iOS apps or web pages, to one kind of them; "
      "make a key for each");
}

Json KeyRestrictions::ToJson() const {
  Json json = Json::Object();
  Json list = Json::Array();
  switch (kind_) {
    case Kind::kNone:
      break;
    case Kind::kAndroid:
      for (const AndroidApp& app : android_apps_) {
        std::string hex;
        for (const uint8_t byte : app.certificate) {
          hex += "0123456789ABCDEF"[byte >> 4];
          hex += "0123456789ABCDEF"[byte & 15];
        }
        list.Add(Json::Object({{"packageName", app.package}, {"sha1Fingerprint", hex}}));
      }
      json.Set("androidKeyRestrictions", Json::Object({{"allowedApplications", std::move(list)}}));
      break;
    case Kind::kIos:
      for (const std::string& id : bundle_ids_) list.Add(id);
      json.Set("iosKeyRestrictions", Json::Object({{"allowedBundleIds", std::move(list)}}));
      break;
    case Kind::kBrowser:
      for (const ReferrerPattern& pattern : referrers_) list.Add(pattern.text());
      json.Set("browserKeyRestrictions", Json::Object({{"allowedReferrers", std::move(list)}}));
      break;
  }
  if (!app_id_.empty()) json.Set("appId", app_id_);
  return json;
}

bool KeyRestrictions::Allow(const ClientIdentity& client) const {
  switch (kind_) {
    case Kind::kNone:
      return true;
    case Kind::kAndroid: {
      Sha1 certificate{};
      if (!ParseSha1(client.android_certificate, &certificate)) return false;
      const auto known = [&](const AndroidApp& app) {
        return std::tuple(std::string_view(app.package), app.certificate);
      };
      const auto asked = std::tuple(client.android_package, certificate);
      const auto found = std::lower_bound(
          android_apps_.begin(), android_apps_.end(), asked,
          [&](const AndroidApp& app, const auto& value) { return known(app) < value; });
      return found != android_apps_.end() && known(*found) == asked;
    }
    case Kind::kIos:
      return std::binary_search(bundle_ids_.begin(), bundle_ids_.end(), client.ios_bundle_id,
                                std::less<std::string_view>());
    case Kind::kBrowser:
      return std::any_of(referrers_.begin(), referrers_.end(), [&](const ReferrerPattern& pattern) {
        return pattern.Matches(client.referrer);
      });
  }
  return false;
}

Status BlockedClient(KeyRestrictions::Kind kind) {
  switch (kind) {
    case KeyRestrictions::Kind::kAndroid:
      return Status(StatusCode::kPermissionDenied,
                    "Requests from this Android client application are blocked: the API key is "
                    "restricted to other packages or signing certificates (X-Android-Package, "
                    "X-Android-Cert). Add this app's to the key, or use the app's own key.");
    case KeyRestrictions::Kind::kIos:
      return Status(StatusCode::kPermissionDenied,
                    "Requests from this iOS client application are blocked: the API key is "
                    "restricted to other bundle ids (X-Ios-Bundle-Identifier). Add this app's to "
                    "the key, or use the app's own key.");
    case KeyRestrictions::Kind::kBrowser:
    case KeyRestrictions::Kind::kNone:
      break;
  }
  return Status(StatusCode::kPermissionDenied,
                "Requests from this referrer are blocked: the API key is restricted to other web "
                "pages (Referer, Origin). Add this page's address to the key.");
}

}  // namespace godwit::server
