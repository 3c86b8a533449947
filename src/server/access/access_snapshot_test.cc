#include "server/access/access_snapshot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>

#include "server/access/credentials.h"

namespace {
thread_local bool counting = false;
thread_local int allocations = 0;
}  // namespace

// Counts this thread's allocations while asked to, for the promise of the loop's checks. Not
// inlined: half a pair inlined looks to the compiler like a pair that does not match.
[[gnu::noinline]] void* operator new(size_t size) {
  if (counting) ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace godwit::server {
namespace {

constexpr int64_t kNowMs = 1767323045678;
constexpr int64_t kHourMs = 3600 * 1000;
const std::string kHex(64, 'a');
constexpr char kFid[] = "cAbcdefghijklmnopqrst_";

AccessSnapshot Make(const std::vector<std::pair<std::string, std::string>>& kids_and_secrets,
                    size_t key_count = 1) {
  AccessSnapshot::Contents contents;
  contents.public_url = "https://models.example";
  contents.projects = {{123456789012, "godwit", "", 0},
                       {7, "other-project", "", 0},
                       {8, "7", "An old id that looks like a number", 0}};
  contents.apps = {{"1:123456789012:android:abc", 123456789012, "android", "First", ""}};
  const Json json = Json::Parse(R"({"browserKeyRestrictions":{"allowedReferrers":[
      "other.example", "https://*.example.com/a-path-that-is-long/*"]}})")
                        .value();
  const KeyRestrictions restrictions = KeyRestrictions::FromJson(json).value();
  for (size_t i = 0; i < key_count; ++i) {
    std::string key = "AIza" + std::string(35, 'k');
    key.replace(4, std::to_string(i).size(), std::to_string(i));
    contents.api_keys.emplace_back(
        Sha256Of(key), ApiKey{std::to_string(i), 123456789012, "godwit", "", 0, restrictions});
  }
  for (const auto& [kid, secret] : kids_and_secrets) {
    contents.signing_keys.push_back({kid, HmacKey(AsBytes(secret))});
  }
  return AccessSnapshot(std::move(contents));
}

InstallationClaims Claims() {
  InstallationClaims claims;
  claims.project_number = 123456789012;
  claims.expires_ms = kNowMs + 1000;
  claims.app_hash = AppHash("1:123456789012:android:abc");
  claims.fid = FidView(kFid);
  return claims;
}

TEST(AccessSnapshot, FindsEveryKeyAndNoOther) {
  for (const size_t count : {0u, 1u, 2u, 1000u}) {
    const AccessSnapshot snapshot = Make({{"k1", "secret"}}, count);
    for (size_t i = 0; i < count; ++i) {
      std::string key = "AIza" + std::string(35, 'k');
      key.replace(4, std::to_string(i).size(), std::to_string(i));
      const ApiKey* const found = snapshot.FindApiKey(key);
      ASSERT_NE(found, nullptr) << key;
      EXPECT_EQ(found->id, std::to_string(i));
    }
    for (const std::string& key : {std::string(), std::string("AIza") + std::string(35, 'x'),
                                   std::string(39, '\0'), std::string(1000, 'A')}) {
      EXPECT_EQ(snapshot.FindApiKey(key), nullptr);
    }
  }
}

TEST(AccessSnapshot, FindsProjectsByIdAndByNumber) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  EXPECT_EQ(snapshot.FindProject("godwit")->number, 123456789012);
  EXPECT_EQ(snapshot.FindProject("123456789012")->id, "godwit");
  for (const char* name : {"", "Godwit", "12", "123456789012x", "99999999999999999999"}) {
    EXPECT_EQ(snapshot.FindProject(name), nullptr) << name;
  }
  EXPECT_EQ(snapshot.FindProject("7")->number, 8) << "an id wins over a number";
  const App* const app = snapshot.FindApp("1:123456789012:android:abc");
  EXPECT_NE(app, nullptr);
  EXPECT_EQ(snapshot.FindApp(AppHash("1:123456789012:android:abc")), app);
  EXPECT_EQ(snapshot.FindApp(uint64_t{0}), nullptr);
  EXPECT_EQ(snapshot.FindApp("1:123456789012:android:ab"), nullptr);
}

TEST(InstallationToken, CarriesItsClaimsInThreeParts) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  const std::string token = snapshot.SignInstallationToken(Claims());
  EXPECT_EQ(std::count(token.begin(), token.end(), '.'), 2);
  InstallationClaims claims;
  ASSERT_EQ(snapshot.VerifyInstallationToken(token, kNowMs, &claims), TokenCheck::kValid);
  EXPECT_EQ(claims.project_number, 123456789012);
  EXPECT_EQ(claims.expires_ms, kNowMs + 1000);
  EXPECT_EQ(claims.app_hash, AppHash("1:123456789012:android:abc"));
  EXPECT_EQ(claims.fid.text(), kFid);
  EXPECT_EQ(snapshot.VerifyInstallationToken(token, kNowMs + 999, &claims), TokenCheck::kValid);
  EXPECT_EQ(snapshot.VerifyInstallationToken(token, kNowMs + 1000, &claims), TokenCheck::kExpired);
}

TEST(InstallationToken, IsRefusedWhenAnyCharacterChanges) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  const std::string token = snapshot.SignInstallationToken(Claims());
  InstallationClaims claims;
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'B', '.', '=', '\0'}) {
      std::string changed = token;
      if (changed[i] == other) continue;
      changed[i] = other;
      EXPECT_NE(snapshot.VerifyInstallationToken(changed, kNowMs, &claims), TokenCheck::kValid)
          << changed;
    }
    EXPECT_NE(snapshot.VerifyInstallationToken(token.substr(0, i), kNowMs, &claims),
              TokenCheck::kValid);
  }
  EXPECT_NE(snapshot.VerifyInstallationToken(token + "A", kNowMs, &claims), TokenCheck::kValid);
}

TEST(InstallationToken, OutlivesARotationButNotItsKey) {
  const std::string token = Make({{"k1", "secret"}}).SignInstallationToken(Claims());
  InstallationClaims claims;
  EXPECT_EQ(Make({{"k2", "new"}, {"k1", "secret"}}).VerifyInstallationToken(token, kNowMs, &claims),
            TokenCheck::kValid);
  EXPECT_EQ(Make({{"k2", "new"}}).VerifyInstallationToken(token, kNowMs, &claims),
            TokenCheck::kUnknownKey);
  EXPECT_EQ(Make({{"k1", "other"}}).VerifyInstallationToken(token, kNowMs, &claims),
            TokenCheck::kBadSignature);
}

// The path and the query of a link under https://models.example.
std::pair<std::string, std::string> Split(const std::string& link) {
  const size_t host = std::string("https://models.example").size();
  const size_t query = link.find('?');
  return {link.substr(host, query - host), link.substr(query + 1)};
}

TEST(BlobLink, IsTheSameForAnHourAndLivesADay) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  const int64_t hour = kNowMs / kHourMs * kHourMs;
  const std::string link = snapshot.SignBlobLink(kHex, hour);
  EXPECT_TRUE(link.starts_with("https://models.example/blobs/sha256/" + kHex + "?exp="));
  EXPECT_EQ(snapshot.SignBlobLink(kHex, hour + kHourMs - 1), link);
  EXPECT_NE(snapshot.SignBlobLink(kHex, hour + kHourMs), link);
  EXPECT_EQ(AccessSnapshot::BlobLinkExpiryMs(hour), hour + 25 * kHourMs);
  EXPECT_EQ(AccessSnapshot::BlobLinkExpiryMs(hour + kHourMs - 1), hour + 25 * kHourMs);

  const auto [path, query] = Split(link);
  EXPECT_EQ(snapshot.VerifyBlobLink(path, query, hour), LinkCheck::kValid);
  EXPECT_EQ(snapshot.VerifyBlobLink(path, query, hour + 25 * kHourMs - 1), LinkCheck::kValid);
  EXPECT_EQ(snapshot.VerifyBlobLink(path, query, hour + 25 * kHourMs), LinkCheck::kExpired);
  EXPECT_EQ(snapshot.VerifyBlobLink(path, "alt=media&" + query, hour), LinkCheck::kValid);
}

TEST(BlobLink, IsRefusedWhenAnythingSignedChanges) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  const auto [path, query] = Split(snapshot.SignBlobLink(kHex, kNowMs));
  const std::string later = std::to_string(AccessSnapshot::BlobLinkExpiryMs(kNowMs) / 1000 + 3600);
  std::string other_path = path;
  other_path.back() = 'b';
  std::string extended = query;
  extended.replace(extended.find("exp=") + 4, 10, later);
  const std::pair<std::string, std::string> rows[] = {
      {other_path, query},
      {path + "a", query},
      {"", query},
      {path, ""},
      {path, extended},
      {path, "exp=&kid=&sig="},
      {path, query.substr(0, query.size() - 1)},
      {path, query + "A"},
      {path, query.substr(query.find("kid="))},
      {path, std::string(100000, '&')},
      {path, "exp=" + std::string(10000, '1') + "&" + query.substr(query.find("kid="))}};
  for (const auto& [row_path, row_query] : rows) {
    EXPECT_EQ(snapshot.VerifyBlobLink(row_path, row_query, kNowMs), LinkCheck::kBadSignature)
        << row_path << "?" << row_query.substr(0, 200);
  }
}

TEST(BlobLink, ATokensSignatureNeverOpensABlob) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}});
  const std::string token = snapshot.SignInstallationToken(Claims());
  const auto [path, query] = Split(snapshot.SignBlobLink(kHex, kNowMs));
  const std::string forged =
      query.substr(0, query.find("&sig=") + 5) + token.substr(token.rfind('.') + 1);
  EXPECT_EQ(snapshot.VerifyBlobLink(path, forged, kNowMs), LinkCheck::kBadSignature);
}

TEST(AccessSnapshot, ChecksWithoutAllocating) {
  const AccessSnapshot snapshot = Make({{"k1", "secret"}}, 100);
  const std::string token = snapshot.SignInstallationToken(Claims());
  const auto [path, query] = Split(snapshot.SignBlobLink(kHex, kNowMs));
  const std::string key = "AIza0" + std::string(34, 'k');
  InstallationClaims claims;
  for (int round = 0; round < 2; ++round) {  // The first makes this thread's hashing context.
    allocations = 0;
    counting = true;
    const ApiKey* const found = snapshot.FindApiKey(key);
    const bool good =
        found != nullptr &&
        found->restrictions.Allow({.referrer = "https://www.example.com/a-path-that-is-long/x"}) &&
        snapshot.FindApp(Claims().app_hash) != nullptr &&
        snapshot.FindProject("godwit") != nullptr &&
        snapshot.VerifyInstallationToken(token, kNowMs, &claims) == TokenCheck::kValid &&
        snapshot.VerifyBlobLink(path, query, kNowMs) == LinkCheck::kValid;
    counting = false;
    EXPECT_TRUE(good);
  }
  EXPECT_EQ(allocations, 0);
}

}  // namespace
}  // namespace godwit::server
