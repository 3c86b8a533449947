// What strangers send to be let in: a token request's form with its JWT, an installation token, a
// blob's link, an API key's restrictions, a page's address.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/access/access_snapshot.h"
#include "server/access/jwt_grant.h"
#include "server/access/key_restrictions.h"

namespace {

using namespace godwit;          // NOLINT: nobody includes this file.
using namespace godwit::server;  // NOLINT

constexpr int64_t kNowMs = 1767323045678;

void AskForToken(std::string_view form) {
  OAuthError error;
  const auto signer = CheckJwtGrant(
      form, {"https://models.example"}, kNowMs,
      [](const std::string&, const std::string&) { return std::vector<PublicKey>(); }, &error);
  // No key is known, so nobody may be let in, and each refusal says why.
  if (signer || error.error.empty() || error.description.empty()) std::abort();
}

void UseTokenAndLink(std::string_view text) {
  static const AccessSnapshot* const snapshot = [] {
    AccessSnapshot::Contents contents;
    contents.signing_keys.push_back({"k1", HmacKey(AsBytes("a secret that is not guessed"))});
    return new AccessSnapshot(std::move(contents));
  }();
  InstallationClaims claims;
  if (snapshot->VerifyInstallationToken(text, kNowMs, &claims) == TokenCheck::kValid) std::abort();
  const size_t question = text.find('?');
  if (question == std::string_view::npos) return;
  const LinkCheck link =
      snapshot->VerifyBlobLink(text.substr(0, question), text.substr(question + 1), kNowMs);
  if (link != LinkCheck::kBadSignature) std::abort();
}

void Restrict(std::string_view text) {
  const auto json = Json::Parse(text);
  if (!json.ok()) return;
  const auto restrictions = KeyRestrictions::FromJson(*json);
  if (!restrictions.ok()) return;
  // What is stored and read again must mean the same.
  const Json stored = restrictions->ToJson();
  const auto again = KeyRestrictions::FromJson(stored);
  if (!again.ok() || again->ToJson() != stored) std::abort();
  static_cast<void>(again->Allow({text, text, text, text}));
}

// "pattern\naddress".
void MatchReferrer(std::string_view text) {
  const size_t line = text.find('\n');
  if (line == std::string_view::npos) return;
  const auto pattern = ReferrerPattern::Parse(text.substr(0, line));
  if (pattern.ok()) static_cast<void>(pattern->Matches(text.substr(line + 1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  AskForToken(text);
  UseTokenAndLink(text);
  Restrict(text);
  MatchReferrer(text);
  return 0;
}
