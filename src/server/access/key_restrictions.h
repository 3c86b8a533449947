// KeyRestrictions: which apps and web pages may use an API key, as Google's API Keys API says it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/json.h"

namespace godwit::server {

// What a request says about who sends it: the values of its headers, empty when absent. Apps are
// trusted to tell the truth, as Firebase's are: this keeps a key from being used elsewhere by
// mistake, not by malice.
struct ClientIdentity {
  std::string_view android_package = {};      // X-Android-Package
  std::string_view android_certificate = {};  // X-Android-Cert: SHA-1 in hex.
  std::string_view ios_bundle_id = {};        // X-Ios-Bundle-Identifier
  std::string_view referrer = {};             // Referer, else Origin.
};

// Where a web page may be: "https://*.example.com/app/*". Scheme, port and path may be left out:
// then http and https, the scheme's own port, every path. "*." stands for one or more subdomains; a
// "*" at the end of the path for any rest. Letters of the host match in either case.
class ReferrerPattern {
 public:
  // kInvalidArgument, with the text, for any other use of "*" and for what is no such address.
  static Result<ReferrerPattern> Parse(std::string_view text);

  // url: a page's address or origin. Allocates nothing. False for what is none.
  bool Matches(std::string_view url) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string scheme_;  // "http", "https"; empty: both.
  std::string host_;    // Lower case; begins with '.' when subdomains are meant.
  std::string port_;    // Empty: the scheme's own.
  std::string path_;
  bool path_is_prefix_ = true;
};

// A value type. Allow allocates nothing and does not block.
class KeyRestrictions {
 public:
  // An application restriction is of one kind, as with Google.
  enum class Kind { kNone, kAndroid, kIos, kBrowser };
  static constexpr size_t kEntriesMax = 200;

  // Of a key's "restrictions": androidKeyRestrictions, iosKeyRestrictions, browserKeyRestrictions,
  // and our appId. kInvalidArgument for two kinds at once, for none of its entries, for entries
  // that are malformed or too many, and for restrictions that nothing here would enforce.
  static Result<KeyRestrictions> FromJson(const Json& json);
  // {} when there are none.
  Json ToJson() const;

  // An empty client is what a server or a command line says of itself.
  bool Allow(const ClientIdentity& client) const;

  Kind kind() const { return kind_; }
  const std::string& app_id() const { return app_id_; }  // Empty: every app of the project.
  void set_app_id(std::string app_id) { app_id_ = std::move(app_id); }

 private:
  using Sha1 = std::array<uint8_t, 20>;
  struct AndroidApp {
    std::string package;
    Sha1 certificate;
    friend auto operator<=>(const AndroidApp&, const AndroidApp&) = default;
  };

  static bool ParseSha1(std::string_view text, Sha1* out);
  Status ReadAndroid(const Json& json);
  Status ReadIos(const Json& json);
  Status ReadBrowser(const Json& json);

  Kind kind_ = Kind::kNone;
  std::string app_id_;
  std::vector<AndroidApp> android_apps_;  // Sorted.
  std::vector<std::string> bundle_ids_;   // Sorted.
  std::vector<ReferrerPattern> referrers_;
};

// Why a key that is restricted in this way refuses a client, and what to do.
Status BlockedClient(KeyRestrictions::Kind kind);

// An app's name in its system: 1 to 200 of A-Z a-z 0-9 and "._-", beginning with a letter.
bool IsPackageName(std::string_view text);

}  // namespace godwit::server
