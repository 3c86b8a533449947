#include "server/access/jwt_grant.h"

#include "crypto/crypto.h"
#include "protocol/json.h"

namespace godwit::server {
namespace {

constexpr size_t kFormMaxBytes = 16 << 10;
constexpr int64_t kClockSkewS = 300;
constexpr int64_t kLifeMaxS = 3600;
constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
// Google's clients ask for Google's audience, wherever they send the request.
constexpr std::string_view kGoogleAudiences[] = {"https://oauth2.googleapis.com/token",
                                                 "https://www.googleapis.com/oauth2/v4/token"};
constexpr std::string_view kOwnAudiences[] = {"", "/", "/token", "/oauth2/v4/token"};

struct FormFields {
  std::string grant_type;
  std::string assertion;
};

// The value with '+' and %XX decoded; nullopt when an escape is broken.
std::optional<std::string> FormDecoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const auto byte = HexDecode(text.substr(i + 1, 2));
      if (!byte.ok() || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    }
  }
  return out;
}

std::optional<FormFields> ParseForm(std::string_view form) {
  FormFields fields;
  while (!form.empty()) {
    const std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string* field = nullptr;
    if (pair.substr(0, equals) == "grant_type") field = &fields.grant_type;
    if (pair.substr(0, equals) == "assertion") field = &fields.assertion;
    if (field == nullptr) continue;
    auto value = FormDecoded(pair.substr(equals + 1));
    if (!value || !field->empty()) return std::nullopt;  // A parameter may come once.
    *field = std::move(*value);
  }
  return fields;
}

struct Jwt {
  Json header;
  Json claims;
  std::string_view signed_text;
  std::string signature;
};

Result<Json> ParsePart(std::string_view part) {
  GODWIT_ASSIGN_OR_RETURN(const std::string text, Base64UrlDecode(part));
  GODWIT_ASSIGN_OR_RETURN(Json json,
                          Json::Parse(text, {.bytes_max = kFormMaxBytes, .depth_max = 8}));
  if (!json.is_object()) return Status(StatusCode::kInvalidArgument, "not an object");
  return json;
}

// The result borrows from token.
Result<Jwt> ParseJwt(std::string_view token) {
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last) {
    return Status(StatusCode::kInvalidArgument, "not three parts");
  }
  Jwt jwt;
  jwt.signed_text = token.substr(0, last);
  GODWIT_ASSIGN_OR_RETURN(jwt.header, ParsePart(token.substr(0, first)));
  GODWIT_ASSIGN_OR_RETURN(jwt.claims, ParsePart(token.substr(first + 1, last - first - 1)));
  GODWIT_ASSIGN_OR_RETURN(jwt.signature, Base64UrlDecode(token.substr(last + 1)));
  return jwt;
}

bool IsOneOf(std::string_view audience, const std::vector<std::string>& own_urls) {
  for (const std::string_view google : kGoogleAudiences) {
    if (audience == google) return true;
  }
  for (const std::string& url : own_urls) {
    if (!audience.starts_with(url)) continue;
    for (const std::string_view own : kOwnAudiences) {
      if (audience.substr(url.size()) == own) return true;
    }
  }
  return false;
}

bool AudienceFits(const Json& audience, const std::vector<std::string>& own_urls) {
  if (audience.is_string()) return IsOneOf(audience.AsString(), own_urls);
  for (const Json& item : audience.items()) {
    if (item.is_string() && IsOneOf(item.AsString(), own_urls)) return true;
  }
  return false;
}

// What is wrong with the claims; empty when nothing is.
std::string WrongClaims(const Json& claims, const std::vector<std::string>& own_urls,
                        int64_t now_s) {
  if (!AudienceFits(claims["aud"], own_urls)) {
    return "the audience (aud) is another server; use this server's token_uri or Google's";
  }
  const int64_t issued_s = claims["iat"].AsInt();
  const int64_t expires_s = claims["exp"].AsInt();
  if (issued_s <= 0 || expires_s <= 0) return "iat and exp are required, in seconds since 1970";
  // Compared by differences of values known to be positive: nothing overflows.
  if (issued_s - now_s > kClockSkewS) {
    return "the assertion was issued in the future; set the clock of the machine that made it";
  }
  if (now_s - expires_s >= kClockSkewS) {
    return "the assertion has expired; make a new one and check the machine's clock";
  }
  if (const int64_t not_before_s = claims["nbf"].AsInt(); not_before_s > now_s + kClockSkewS) {
    return "the assertion is not valid yet (nbf); set the clock of the machine that made it";
  }
  if (expires_s - issued_s > kLifeMaxS + kClockSkewS) {
    return "the assertion lives longer than an hour; set exp to at most iat + 3600";
  }
  const std::string& subject = claims["sub"].AsString();
  if (!subject.empty() && subject != claims["iss"].AsString()) {
    return "acting for another account (sub) is not offered here";
  }
  return "";
}

// The id of the key that signed; nullopt when none of these did.
std::optional<std::string> SigningKeyId(const std::vector<PublicKey>& public_keys, const Jwt& jwt) {
  for (const PublicKey& candidate : public_keys) {
    const auto key = RsaKey::FromPublicPem(candidate.pem);
    if (key.ok() && key->VerifySha256(jwt.signed_text, jwt.signature)) return candidate.id;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Signer> CheckJwtGrant(std::string_view form, const std::vector<std::string>& own_urls,
                                    int64_t now_ms, const FindPublicKeys& find_keys,
                                    OAuthError* error) {
  const auto refuse = [error](const char* name, std::string description) {
    *error = {name, std::move(description)};
    return std::nullopt;
  };
  if (form.size() > kFormMaxBytes) return refuse("invalid_request", "the request is too long");
  const auto fields = ParseForm(form);
  if (!fields) return refuse("invalid_request", "the form is damaged or names a field twice");
  if (fields->grant_type != kGrantType) {
    return refuse("unsupported_grant_type",
                  "the only grant_type offered is " + std::string(kGrantType));
  }
  if (fields->assertion.empty()) return refuse("invalid_request", "the assertion is missing");

  const auto jwt = ParseJwt(fields->assertion);
  if (!jwt.ok()) return refuse("invalid_grant", "the assertion is not a JSON web token");
  if (jwt->header["alg"].AsString() != "RS256") {
    return refuse("invalid_grant", "the assertion must be signed with RS256");
  }
  // Whoever marks a header as critical wants it understood or refused (RFC 7515, 4.1.11).
  if (jwt->header.Has("crit")) {
    return refuse("invalid_grant", "the assertion needs extensions (crit) that are not known here");
  }
  const std::string& email = jwt->claims["iss"].AsString();
  const auto keys = find_keys(email, jwt->header["kid"].AsString());
  if (!keys.ok()) return refuse("server_error", "the server cannot read its keys; retry later");
  auto key_id = SigningKeyId(*keys, *jwt);
  if (!key_id) {
    return refuse("invalid_grant",
                  "the signature is not that of a known service account's key; use a key file "
                  "that this server made and that was not deleted");
  }
  std::string wrong = WrongClaims(jwt->claims, own_urls, now_ms / 1000);
  if (!wrong.empty()) return refuse("invalid_grant", std::move(wrong));
  return Signer{email, *std::move(key_id)};
}

}  // namespace godwit::server
