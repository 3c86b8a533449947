#include "server/access/key_restrictions.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

constexpr char kSha1[] = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
constexpr char kSha1Colons[] = "da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09";

Result<KeyRestrictions> Parse(const std::string& text) {
  return KeyRestrictions::FromJson(Json::Parse(text).value());
}

TEST(KeyRestrictions, NoneLetEveryoneIn) {
  for (const char* text : {"{}", "null", R"({"iosKeyRestrictions":null})"}) {
    const KeyRestrictions none = Parse(text).value();
    EXPECT_EQ(none.kind(), KeyRestrictions::Kind::kNone);
    EXPECT_TRUE(none.Allow({}));
    EXPECT_TRUE(none.Allow({.android_package = "com.example.app"}));
    EXPECT_EQ(none.ToJson().Serialize(), "{}");
  }
}

TEST(KeyRestrictions, AndroidAppsNeedPackageAndCertificate) {
  for (const char* fingerprint : {kSha1, kSha1Colons}) {
    const KeyRestrictions restrictions =
        Parse(std::string(R"({"androidKeyRestrictions":{"allowedApplications":[
            {"packageName":"com.example.zoo","sha1Fingerprint":")") +
              std::string(40, '0') + R"("},
            {"packageName":"com.example.app","sha1Fingerprint":")" +
              fingerprint + R"("}]}})")
            .value();
    const struct {
      std::string_view package;
      std::string_view certificate;
      bool allowed;
    } rows[] = {{"com.example.app", kSha1, true},
                {"com.example.app", "da39a3ee5e6b4b0d3255bfef95601890afd80709", true},
                {"com.example.app", kSha1Colons, true},
                {"com.example.app", "", false},
                {"com.example.app", "DA39", false},
                {"com.example.app", "0000000000000000000000000000000000000000", false},
                {"com.example.zoo", "0000000000000000000000000000000000000000", true},
                {"com.example.zoo", kSha1, false},
                {"com.example.App", kSha1, false},
                {"com.example.ap", kSha1, false},
                {"", kSha1, false},
                {"", "", false}};
    for (const auto& row : rows) {
      EXPECT_EQ(restrictions.Allow(
                    {.android_package = row.package, .android_certificate = row.certificate}),
                row.allowed)
          << row.package << " " << row.certificate;
    }
    EXPECT_FALSE(restrictions.Allow({.ios_bundle_id = "com.example.app"}));
    const Json again = restrictions.ToJson();
    EXPECT_EQ(KeyRestrictions::FromJson(again).value().ToJson(), again);
    EXPECT_NE(again.Serialize().find(kSha1), std::string::npos) << "upper case without colons";
  }
}

TEST(KeyRestrictions, IosAppsAreKnownByTheirBundleId) {
  const KeyRestrictions restrictions =
      Parse(R"({"iosKeyRestrictions":{"allowedBundleIds":["com.b","com.a"]},"appId":"1:2:ios:3"})")
          .value();
  EXPECT_TRUE(restrictions.Allow({.ios_bundle_id = "com.a"}));
  EXPECT_TRUE(restrictions.Allow({.ios_bundle_id = "com.b"}));
  EXPECT_FALSE(restrictions.Allow({.ios_bundle_id = "com.A"}));
  EXPECT_FALSE(restrictions.Allow({.ios_bundle_id = "com.aa"}));
  EXPECT_FALSE(restrictions.Allow({}));
  EXPECT_FALSE(restrictions.Allow({.android_package = "com.a", .android_certificate = kSha1}));
  EXPECT_EQ(restrictions.app_id(), "1:2:ios:3");
  EXPECT_EQ(restrictions.ToJson()["appId"].AsString(), "1:2:ios:3");
}

TEST(ReferrerPattern, MatchesPagesAsGooglesConsoleSaysIt) {
  const struct {
    const char* pattern;
    const char* url;
    bool matches;
  } rows[] = {
      {"example.com", "https://example.com/", true},
      {"example.com", "http://example.com", true},
      {"example.com", "https://example.com/any/page?q=1", true},
      {"example.com", "https://www.example.com/", false},
      {"example.com", "https://example.com.evil.example/", false},
      {"example.com", "https://evil.example/example.com", false},
      {"example.com", "https://example.com@evil.example/", false},
      {"example.com", "https://example.com:8443/", false},
      {"example.com", "https://example.com:443/", true},
      {"example.com", "ftp://example.com/", false},
      {"example.com", "example.com", false},
      {"example.com", "", false},
      {"example.com", "null", false},
      {"EXAMPLE.com", "https://Example.COM/", true},
      {"https://example.com/*", "https://example.com", true},
      {"https://example.com/*", "http://example.com/", false},
      {"https://example.com:8443/*", "https://example.com:8443/x", true},
      {"https://example.com:443/*", "https://example.com/x", true},
      {"http://localhost:5000", "http://localhost:5000/", true},
      {"http://localhost:5000", "http://localhost:5001/", false},
      {"http://[::1]:5000/*", "http://[::1]:5000/", true},
      {"http://[::1]:5000/*", "http://[::1]:5001/", false},
      {"*.example.com/*", "https://www.example.com/", true},
      {"*.example.com/*", "https://a.b.example.com/", true},
      {"*.example.com/*", "https://example.com/", false},
      {"*.example.com/*", "https://.example.com/", false},
      {"*.example.com/*", "https://badexample.com/", false},
      {"*.example.com/*", "https://evil.example\\.example.com/", false},
      {"*.example.com/*", "https://evil.example#.example.com/", false},
      {"example.com/app/*", "https://example.com/app/x", true},
      {"example.com/app/*", "https://example.com/app", false},
      {"example.com/app/*", "https://example.com/", false},
      {"example.com/app*", "https://example.com/apple", true},
      {"example.com/app", "https://example.com/app?x=1#y", true},
      {"example.com/app", "https://example.com/app/", false},
      {"example.com/", "https://example.com", true},
      {"example.com/", "https://example.com/a", false},
  };
  for (const auto& row : rows) {
    const auto pattern = ReferrerPattern::Parse(row.pattern);
    ASSERT_TRUE(pattern.ok()) << row.pattern;
    EXPECT_EQ(pattern->Matches(row.url), row.matches) << row.pattern << " and " << row.url;
    EXPECT_EQ(pattern->text(), row.pattern);
  }
  const auto pattern = ReferrerPattern::Parse("example.com").value();
  EXPECT_FALSE(pattern.Matches("https://example.com/" + std::string(5000, 'x')));
}

TEST(ReferrerPattern, RefusesWhatWouldLetInMoreThanItSays) {
  for (const std::string& text : {std::string(),
                                  std::string("*"),
                                  std::string("*."),
                                  std::string("https://*"),
                                  std::string("https://*/x"),
                                  std::string("https://a*b.com"),
                                  std::string("www.*.com"),
                                  std::string("**.example.com"),
                                  std::string("example.com/*/x"),
                                  std::string("example.com/x**"),
                                  std::string("example.com/?q=1"),
                                  std::string("example.com/#x"),
                                  std::string("ftp://example.com"),
                                  std::string("https://me@example.com"),
                                  std::string("exa mple.com"),
                                  std::string("example.com:"),
                                  std::string("example.com:http"),
                                  std::string("example.com:123456"),
                                  std::string("https://"),
                                  std::string("/path"),
                                  std::string("b\xc3\xbc"
                                              "cher.example"),
                                  std::string(256, 'a')}) {
    EXPECT_EQ(ReferrerPattern::Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(KeyRestrictions, RefuseWhatTheyCouldNotKeep) {
  std::string many = R"({"iosKeyRestrictions":{"allowedBundleIds":[)";
  for (size_t i = 0; i <= KeyRestrictions::kEntriesMax; ++i) many += R"("a",)";
  many.back() = ']';
  many += "}}";
  const std::string rows[] = {
      R"({"serverKeyRestrictions":{"allowedIps":["10.0.0.1"]}})",
      R"({"apiTargets":[{"service":"x"}]})",
      R"({"allowedBundleIds":["a"]})",
      R"({"iosKeyRestrictions":{}})",
      R"({"iosKeyRestrictions":{"allowedBundleIds":[]}})",
      R"({"iosKeyRestrictions":{"allowedBundleIds":"a"}})",
      R"({"iosKeyRestrictions":{"allowedBundleIds":[7]}})",
      R"({"iosKeyRestrictions":{"allowedBundleIds":["a b"]}})",
      R"({"androidKeyRestrictions":{"allowedApplications":[{"packageName":"a"}]}})",
      R"({"androidKeyRestrictions":{"allowedApplications":[{"packageName":"","sha1Fingerprint":"00"}]}})",
      R"({"browserKeyRestrictions":{"allowedReferrers":["*"]}})",
      R"({"browserKeyRestrictions":{"allowedReferrers":["a.com"]},
          "iosKeyRestrictions":{"allowedBundleIds":["a"]}})",
      R"({"appId":7})",
      R"({"appId":""})",
      "[]",
      many};
  for (const std::string& row : rows) {
    EXPECT_EQ(Parse(row).status().code(), StatusCode::kInvalidArgument) << row.substr(0, 200);
  }
}

TEST(KeyRestrictions, ARefusalSaysWhichRestrictionAndWhatToDo) {
  using Kind = KeyRestrictions::Kind;
  const std::pair<Kind, const char*> rows[] = {{Kind::kAndroid, "X-Android-Package"},
                                               {Kind::kIos, "X-Ios-Bundle-Identifier"},
                                               {Kind::kBrowser, "Referer"}};
  for (const auto& [kind, header] : rows) {
    const Status status = BlockedClient(kind);
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
    EXPECT_NE(status.message().find("are blocked"), std::string::npos);
    EXPECT_NE(status.message().find(header), std::string::npos);
  }
}

}  // namespace
}  // namespace godwit::server
