#include "server/access/jwt_grant.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "protocol/json.h"

namespace godwit::server {
namespace {

constexpr int64_t kNowS = 1767323045;
constexpr char kOwnUrl[] = "http://127.0.0.1:8484";
constexpr char kEmail[] = "godwit-admin@godwit.iam.gserviceaccount.com";
constexpr char kKid[] = "0123abcd";
constexpr char kGrant[] = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";

class JwtGrantTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new RsaKey(RsaKey::Generate().value());
    stranger_ = new RsaKey(RsaKey::Generate().value());
  }
  static void TearDownTestSuite() {
    delete key_;
    delete stranger_;
  }

  static std::string Sign(const Json& header, const Json& claims, const RsaKey& key) {
    const std::string text = Base64UrlEncode(AsBytes(header.Serialize())) + "." +
                             Base64UrlEncode(AsBytes(claims.Serialize()));
    return text + "." + Base64UrlEncode(AsBytes(key.SignSha256(text).value()));
  }
  static Json Header() {
    Json header;
    header.Set("alg", "RS256").Set("typ", "JWT").Set("kid", kKid);
    return header;
  }
  static Json Claims() {
    Json claims;
    claims.Set("iss", kEmail)
        .Set("aud", "https://oauth2.googleapis.com/token")
        .Set("scope", "https://www.googleapis.com/auth/cloud-platform")
        .Set("iat", kNowS)
        .Set("exp", kNowS + 3600);
    return claims;
  }

  // The email, or the error's name.
  static std::string Check(const std::string& form) {
    OAuthError error;
    const auto signer = CheckJwtGrant(
        form, {kOwnUrl, "https://models.example"}, kNowS * 1000,
        [](const std::string& who, const std::string& kid) -> Result<std::vector<PublicKey>> {
          if (who != kEmail || (!kid.empty() && kid != kKid)) return std::vector<PublicKey>();
          return std::vector<PublicKey>{{"other", stranger_->PublicPem()},
                                        {kKid, key_->PublicPem()}};
        },
        &error);
    EXPECT_EQ(signer.has_value(), error.description.empty());
    EXPECT_EQ(signer ? signer->key_id : kKid, kKid);
    return signer ? signer->email : error.error;
  }
  static std::string CheckAssertion(const std::string& jwt) {
    return Check(std::string(kGrant) + "&assertion=" + jwt);
  }
  static std::string CheckClaims(const Json& claims) {
    return CheckAssertion(Sign(Header(), claims, *key_));
  }

  static RsaKey* key_;
  static RsaKey* stranger_;
};
RsaKey* JwtGrantTest::key_ = nullptr;
RsaKey* JwtGrantTest::stranger_ = nullptr;

TEST_F(JwtGrantTest, AcceptsGooglesClientsWithAndWithoutKid) {
  EXPECT_EQ(CheckClaims(Claims()), kEmail);
  Json header;
  header.Set("alg", "RS256");
  const std::string jwt = Sign(header, Claims(), *key_);
  EXPECT_EQ(CheckAssertion(jwt), kEmail);
  EXPECT_EQ(Check("assertion=" + jwt + "&scope=x&" + kGrant), kEmail);
}

TEST_F(JwtGrantTest, AcceptsGooglesAudiencesAndItsOwn) {
  const std::pair<const char*, const char*> rows[] = {
      {"https://oauth2.googleapis.com/token", kEmail},
      {"https://www.googleapis.com/oauth2/v4/token", kEmail},
      {"http://127.0.0.1:8484/token", kEmail},
      {"http://127.0.0.1:8484/oauth2/v4/token", kEmail},
      {"http://127.0.0.1:8484", kEmail},
      {"https://models.example/token", kEmail},
      {"http://models.example/token", "invalid_grant"},
      {"https://models.example.org/token", "invalid_grant"},
      {"http://127.0.0.1:84840/token", "invalid_grant"},
      {"https://oauth2.googleapis.com/token/", "invalid_grant"},
      {"", "invalid_grant"}};
  for (const auto& [audience, expected] : rows) {
    EXPECT_EQ(CheckClaims(Claims().Set("aud", audience)), expected) << audience;
    Json list;
    list.Add("https://elsewhere.example").Add(audience);
    EXPECT_EQ(CheckClaims(Claims().Set("aud", list)), expected) << audience;
  }
  EXPECT_EQ(CheckClaims(Claims().Set("aud", Json())), "invalid_grant");
}

TEST_F(JwtGrantTest, ChecksTimesWithSomeMinutesForClocksThatDiffer) {
  const struct {
    int64_t iat;
    int64_t exp;
    std::string expected;
  } rows[] = {{kNowS + 300, kNowS + 3900, kEmail},     {kNowS + 301, kNowS + 3900, "invalid_grant"},
              {kNowS - 3600, kNowS - 299, kEmail},     {kNowS - 3600, kNowS - 300, "invalid_grant"},
              {kNowS, kNowS + 3901, "invalid_grant"},  {kNowS, INT64_MAX, "invalid_grant"},
              {INT64_MAX, INT64_MAX, "invalid_grant"}, {INT64_MIN, kNowS + 60, "invalid_grant"},
              {kNowS, INT64_MIN, "invalid_grant"},     {0, kNowS + 60, "invalid_grant"}};
  for (const auto& row : rows) {
    EXPECT_EQ(CheckClaims(Claims().Set("iat", row.iat).Set("exp", row.exp)), row.expected)
        << row.iat << " " << row.exp;
  }
}

TEST_F(JwtGrantTest, RefusesOtherSignersAndOtherAlgorithms) {
  EXPECT_EQ(CheckAssertion(Sign(Header(), Claims(), RsaKey::Generate().value())), "invalid_grant");
  EXPECT_EQ(CheckClaims(Claims().Set("iss", "someone@else")), "invalid_grant");
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("kid", "other"), Claims(), *key_)), "invalid_grant");
  for (const char* algorithm : {"none", "HS256", "rs256", ""}) {
    EXPECT_EQ(CheckAssertion(Sign(Header().Set("alg", algorithm), Claims(), *key_)),
              "invalid_grant")
        << algorithm;
  }
  EXPECT_EQ(CheckClaims(Claims().Set("sub", "someone@else")), "invalid_grant");
  EXPECT_EQ(CheckClaims(Claims().Set("sub", kEmail)), kEmail);
  std::string jwt = Sign(Header(), Claims(), *key_);
  jwt.replace(jwt.find('.') + 1, 4, "eyJ9");
  EXPECT_EQ(CheckAssertion(jwt), "invalid_grant");
}

// The public key is no secret: a verifier that let the sender choose the algorithm would take a
// HMAC under it.
TEST_F(JwtGrantTest, RefusesAHmacUnderThePublicKey) {
  for (const std::string& secret : {key_->PublicPem(), key_->PublicPem() + "\n"}) {
    for (const char* algorithm : {"HS256", "RS256"}) {
      const std::string text =
          Base64UrlEncode(AsBytes(Header().Set("alg", algorithm).Serialize())) + "." +
          Base64UrlEncode(AsBytes(Claims().Serialize()));
      const auto tag = HmacKey(AsBytes(secret)).Sign(text);
      EXPECT_EQ(CheckAssertion(text + "." + Base64UrlEncode(std::as_bytes(std::span(tag)))),
                "invalid_grant");
    }
  }
}

TEST_F(JwtGrantTest, RefusesWhatItDoesNotUnderstand) {
  Json crit;
  crit.Add("exp");
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("crit", crit), Claims(), *key_)), "invalid_grant");
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("crit", Json()), Claims(), *key_)), "invalid_grant");
  // A key that the sender brings along is nobody's.
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("jwk", Json::Object()).Set("jku", "https://x"),
                                Claims(), RsaKey::Generate().value())),
            "invalid_grant");
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("kid", 7), Claims(), *key_)), kEmail);
  EXPECT_EQ(CheckAssertion(Sign(Header().Set("alg", Json()), Claims(), *key_)), "invalid_grant");
  const int64_t not_before_rows[][2] = {
      {kNowS + 300, 1}, {kNowS + 301, 0}, {INT64_MAX, 0}, {INT64_MIN, 1}, {0, 1}};
  for (const auto& [not_before, good] : not_before_rows) {
    EXPECT_EQ(CheckClaims(Claims().Set("nbf", not_before)), good != 0 ? kEmail : "invalid_grant")
        << not_before;
  }
}

TEST_F(JwtGrantTest, ReadsNoClaimsOfAnotherKind) {
  const std::pair<const char*, Json> rows[] = {
      {"iss", Json(7)},      {"iss", Json::Array({kEmail})},
      {"aud", Json(7)},      {"aud", Json::Object()},
      {"iat", Json("soon")}, {"iat", Json(-1)},
      {"exp", Json(1e300)},  {"exp", Json::Array()},
      {"exp", Json()},       {"sub", Json("x@y.example")}};
  for (const auto& [name, value] : rows) {
    EXPECT_EQ(CheckClaims(Claims().Set(name, value)), "invalid_grant") << name;
  }
  EXPECT_EQ(CheckClaims(Claims().Set("big", std::string(8000, 'x'))), kEmail);
  EXPECT_EQ(CheckClaims(Claims().Set("big", std::string(20000, 'x'))), "invalid_request");
  Json deep;
  for (int i = 0; i < 20; ++i) deep = Json::Array({deep});
  EXPECT_EQ(CheckClaims(Claims().Set("deep", deep)), "invalid_grant");
}

TEST_F(JwtGrantTest, NamesWhatIsWrongWithARequest) {
  const std::string jwt = Sign(Header(), Claims(), *key_);
  const std::pair<std::string, const char*> rows[] = {
      {"", "unsupported_grant_type"},
      {"grant_type=client_credentials", "unsupported_grant_type"},
      {kGrant, "invalid_request"},
      {std::string(kGrant) + "&assertion=" + jwt + "&assertion=" + jwt, "invalid_request"},
      {std::string(kGrant) + "&assertion=%zz", "invalid_request"},
      {std::string(kGrant) + "&assertion=%4", "invalid_request"},
      {std::string(kGrant) + "&assertion=" + std::string(20000, 'A'), "invalid_request"},
      {std::string(kGrant) + "&assertion=a", "invalid_grant"},
      {std::string(kGrant) + "&assertion=..", "invalid_grant"},
      {std::string(kGrant) + "&assertion=W10.W10.W10", "invalid_grant"},
      {std::string(kGrant) + "&assertion=e30.e30.", "invalid_grant"},
      {std::string(kGrant) + "&assertion=" + jwt + ".e30", "invalid_grant"}};
  for (const auto& [form, expected] : rows) EXPECT_EQ(Check(form), expected) << form.substr(0, 200);
}

}  // namespace
}  // namespace godwit::server
