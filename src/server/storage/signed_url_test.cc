#include "server/storage/signed_url.h"

#include <gtest/gtest.h>

#include "base/time_format.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

// Of a key pair whose private half signed the links below and is gone.
constexpr char kPublicKey[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx2wfgv8SlUrLrpj5Z9FZ\n"
    "fK0ksWlID03Xmdqgl4yRslrmAGaeM2fipqNoy8bipPd8qOLlufBq5L0biI0pKulC\n"
    "WDBHuS60/Zd/LAzTNb9eDBohmWfInoZszu4V4kLrUwmzUwk9ZdQ+HmeyAViYdo3g\n"
    "w3cijhZbSTxy620vuGELnp/EF3WqxmAD1l6M7zSV71L5vOJZBjzhT+W40zh8K+O7\n"
    "4izXuxOCsZrkyk3igyC6Mtq5pcSy4JqboqKmMullSc28iy2/pkxUAHo3V55PPqK2\n"
    "10/uTIlqpDPMFtMcimsKN6MVpzIl2FjD/GZgiSh2i5u3IAezSEZ93vdk+/WIJ+Fv\n"
    "VwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

struct Link {
  const char* name;
  const char* method;
  std::vector<SignedRequest::Header> headers;
  std::string url;
};

// What google-cloud-storage 3.17.1 and @google-cloud/storage 7.22.0 signed on 2026-01-02 at
// 03:04:05 for ten minutes.
const Link kLinks[] = {
    {"Python_V4",
     "GET",
     {},
     "https://storage.googleapis.com/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?X-Go"
     "og-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=signer%40godwit.test%2F20260102%2Fauto%2"
     "Fstorage%2Fgoog4_request&X-Goog-Date=20260102T030405Z&X-Goog-Expires=600&X-Goog-SignedHe"
     "aders=host&X-Goog-Signature=712571471de0b45f7fa93790883d4dbdf061c30a65085191cafa94043b4c"
     "f49306dc4a6bbdbfe5448f0bd9c08cb5d39ad277e7ba88d5b170f49dd454f6812d54064a23a107b29ad04011"
     "c1ff448f681451a60acea7cb2a40ddfa1d90356add8ede04724427856284d67a01753a560916692bffb8522b"
     "34e89ba54cbd0791983d58dfc922c7061757c4a31bf3766c63d28198443737defe872913f08c042fa898b5b1"
     "c4809495d4aa29e87017f174774df3c0dbf4e222d0903d0a42eee1a0002bf9178fc28b61b64d5953de9efa92"
     "1127c8d3c4726963fef664395a8eeeeaa9994c43a26918826ab0df71d2710a56566cd51d4381222dd929366c"
     "40b9474c0e3f"},
    {"Python_V4_Put",
     "PUT",
     {{"Content-Type", "text/x"}, {"X-Goog-Meta-A", "b c"}},
     "http://127.0.0.1:8484/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?X-Goog-Algori"
     "thm=GOOG4-RSA-SHA256&X-Goog-Credential=signer%40godwit.test%2F20260102%2Fauto%2Fstorage%"
     "2Fgoog4_request&X-Goog-Date=20260102T030405Z&X-Goog-Expires=600&X-Goog-SignedHeaders=con"
     "tent-type%3Bhost%3Bx-goog-meta-a&X-Goog-Signature=5d8914ff35ab4414fd4b2ac25f99a6b4d7b4d2"
     "843a2b79c80cadec6ad9bba8d0e15981e544faa1b554647400d79ed357e97a6ca66aef500ec79ff6df44aac6"
     "c45fa6d7db884c7434ef8c7f4a7a86a18d09ad53c8e9235e04c8c3f57ec39228550d072f35c1fa0cf72bba3d"
     "60d5badfe6d4305f1687787b7bc8093a801059cc3caed7386dc5353c510b114be6abfd9acb6a73a32c6d5adc"
     "8047d3462873d51569a24b78374412662981087e90b296e8914ddb26bff38e18ad46bfecde0469c2a77ff3fc"
     "c8312c7fb38afbcd4180962fcc09e9855be2ef8db065dd84570554a1c7c89000317721316deb8918ccfa1139"
     "64979289fd416b9c8f66eb09083fae437b"},
    {"Python_V4_Disposition",
     "GET",
     {},
     "https://storage.googleapis.com/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?A=~%"
     "2A&X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=signer%40godwit.test%2F20260102%2"
     "Fauto%2Fstorage%2Fgoog4_request&X-Goog-Date=20260102T030405Z&X-Goog-Expires=600&X-Goog-S"
     "ignedHeaders=host&response-content-disposition=attachment%3B%20filename%3D%22a%20b%22&z="
     "1&X-Goog-Signature=52945a011602e942dcf9cf368b144ff687383bbb651437b3ec5faa7e6d46fa2a06a98"
     "8433cdf9e1c853f83a3bf70d1d526989eac86fa3ab63195f30c18fbab0295328158c96aae0d3ab5ba7328a69"
     "5c3b243ded976f844839852cfdb76ad2d83743c1a9059e496c4760d1095b90b3762fae796c2f12bec5ed2de1"
     "444e0209fc8daacad7da648feef986de7413b25c3b01fa84b3c00bec5365824cfe3ea65693dc2f8f2e4c0430"
     "d2c7a99643c8cda2b4c8de7be60ec6cae154aec010cdd8c85f580a288996a886839ede894f05b25f3f0195dd"
     "4bed2c54939f5ab3d6373f4e2e13d1cf74e2ec18a6b40144a50cb43d3aa857397537aeda5eafd923e31f4518"
     "28c"},
    {"Python_V2",
     "GET",
     {},
     "https://storage.googleapis.com/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?Expi"
     "res=1767323645&GoogleAccessId=signer%40godwit.test&Signature=hhecapPMz7nNVm45%2Bd0y387aD"
     "zwwQARB08mFHrAubBkUZZczvZs0XefmxW1UzmWgqkGljt51JWn1WiXD0Pf7g0lXCgSxh7qpL2ihLxJTvg9THBAD1"
     "FveqfLnachgKmRHUUu8LfOwpYy8EC8HpmGlQybq2lpkJWQ64iLhqrPlGtxLmyoot77KHzk4FRggh173Dul6dXXYW"
     "dPxcKIrl0CpEyqTDfS6RwDM6X6ps7DNBYWCL7Ta20tCvuPu5VZVrRFUyhTqAqiUR%2Bwi%2BTg13%2B6ce8yURQN"
     "iwkBEyeT68jcolrSnD%2F9jNR0G4J3yj8Zo6Ai0DoNvPCcG%2FTjiGmdgpHkn1A%3D%3D"},
    {"Python_V2_Put",
     "PUT",
     {{"x-goog-meta-b", "2"}, {"content-type", "text/x"}, {"x-goog-meta-a", "1"}},
     "https://storage.googleapis.com/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?Expi"
     "res=1767323645&GoogleAccessId=signer%40godwit.test&Signature=e72%2FIenalISwbcWatxptO8wTc"
     "7YjTZj%2FZfReWF5UgS5Fze8GJ64jF%2B9K2FulQuzvIcHdB7YrjfG43k2YIqGFOMMnT51aV0CFkxvoFN5tfLU%2"
     "Bq2bjeOWYI%2FWMdNKKyiJefNRqRjMl1dNa2PjSEE%2BE%2FGkjhNB3iaKN%2BKpliuLuuTMsqRnIi5PZ1YLM0Mt"
     "Jxhm3fCtmiD73wsCald5946kNPisCU%2FV4uWYVnHAaHNBmFJCl6Rtvv8aICk5KWmLoxI%2FPtuQ7U35e3RRxEHw"
     "UBGeRw6JTnVVjrhjRaJaUhiJ4m%2FDf2Nm13VAOUtpDXPiqC7LjdEhDZg668heT0ZpQI97zZw%3D%3D"},
    {"Python_V2_Resumable",
     "POST",
     {{"x-goog-resumable", "start"}},
     "https://storage.googleapis.com/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?Expi"
     "res=1767323645&GoogleAccessId=signer%40godwit.test&Signature=WiYYvLxzyBvnVaee0Aoi8bO3Ier"
     "%2F30Cit0WKuSusvlDUpHDwNFRkPgRddwXmppF16Vy3bIN%2FZqGhw8AkCevX1xh%2BTUjAdl9zfJweCMcnLEyzg"
     "EDM0XG2LOn34D4GSwZ2dhMRE2iRTbbMV4vavuEeXxdGYDC154TOFfkylJGR4XO6wblEzn4CQDxJONCAvlt79nzAo"
     "HF7dpVcr2DhyYrW%2B059jHKZoW62wBymtTIZUJlYarpcVtK0LeT1J3E%2Fqd74xcKJrlv%2FiAiVg%2BcZpRsLW"
     "8VlgJiEO4AIk%2FrdfM1CyC5c%2BiAjAAJLDQ7NSQsF0MBKCRaLd4XPxN8FQDCbQT2D%2BA%3D%3D"},
    {"Node_V4_WithoutPort",
     "GET",
     {},
     "http://127.0.0.1:8484/models/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?X-Goog-Algori"
     "thm=GOOG4-RSA-SHA256&X-Goog-Credential=signer%40godwit.test%2F20260102%2Fauto%2Fstorage%"
     "2Fgoog4_request&X-Goog-Date=20260102T030405Z&X-Goog-Expires=600&X-Goog-SignedHeaders=hos"
     "t&X-Goog-Signature=2519e680fb433569d1fc8d5e3012865d78d24615371e7b382aebc0fc8388f7c5ee531"
     "08105fa28af6e5f5ae9cd7e2a63bb072ee90b04094b2b1560aaaed0cfe217a166a780a0d9805b4cbcd168f90"
     "efa9981e1b3d097390a34b116e3c687eba570da740380dd01b59e9d118f83837775a6ac5093e5152dfe89bab"
     "fb751f90093da48be8e0b20eb9ad8138a2c3d2f2abaae44d34707fd5c775ebf22cc9fd7029ab8a0e5ac54cf0"
     "e21d1a16b5fe182135d9c265b5d56546ba27d449d6bf357cd48c418aaff0978a8f0243b3bb86c192b2fdb68a"
     "87463e3dcccccad2bb3b7f7304677176a9d18d56f1c30e82eeb15b4ca5d2d2015481ba3503634f2314e5ec95"
     "501"},
    {"Node_V4_BucketHost",
     "GET",
     {},
     "https://models.storage.googleapis.com/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?X-Go"
     "og-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=signer%40godwit.test%2F20260102%2Fauto%2"
     "Fstorage%2Fgoog4_request&X-Goog-Date=20260102T030405Z&X-Goog-Expires=600&X-Goog-SignedHe"
     "aders=host&X-Goog-Signature=98f0bd4abac3c2cea5253fd534f35ed0f5a2caf500487f79cb0359c5ca59"
     "cf110b61a0a410bf47faa26e06f6f027e9f7af8fef454981967c07fba765466b5e821064a648aa48372f6c01"
     "e94de3507cffa346c4180383d893c398e3fc729b7defa3caeedaabd4ecf9bdb9e1538eb5fc1426ec585eaa06"
     "e821e04be6e9a45f267d4328533b14e23da1e68a3fc40d4fde89dd72070b3273f5aaf760f44442dd442cffdc"
     "05fe75a37521a1a213f6d6443bbd2f92f5a0a2de866b5a92df65385424387f4762ea413156434b0a084732a9"
     "b724e296ac50bf0a7661bceb9d5230f9084cb86165b8144990c1a3b10e8c5be471193d32f517cc5d332fa3f9"
     "dc83c5eac5b3"},
    {"Node_V2_BucketHost",
     "GET",
     {},
     "https://models.storage.googleapis.com/dir/a%20b%2Bc%25%C3%A9~%21%27%28%29%2A.tflite?Goog"
     "leAccessId=signer%40godwit.test&Expires=1767323645&Signature=hhecapPMz7nNVm45%2Bd0y387aD"
     "zwwQARB08mFHrAubBkUZZczvZs0XefmxW1UzmWgqkGljt51JWn1WiXD0Pf7g0lXCgSxh7qpL2ihLxJTvg9THBAD1"
     "FveqfLnachgKmRHUUu8LfOwpYy8EC8HpmGlQybq2lpkJWQ64iLhqrPlGtxLmyoot77KHzk4FRggh173Dul6dXXYW"
     "dPxcKIrl0CpEyqTDfS6RwDM6X6ps7DNBYWCL7Ta20tCvuPu5VZVrRFUyhTqAqiUR%2Bwi%2BTg13%2B6ce8yURQN"
     "iwkBEyeT68jcolrSnD%2F9jNR0G4J3yj8Zo6Ai0DoNvPCcG%2FTjiGmdgpHkn1A%3D%3D"},
};

// A link taken apart as a request's head is.
struct Parts {
  explicit Parts(const Link& link) : url(link.url) {
    const std::string_view text = url;
    const size_t host_start = text.find("://") + 3;
    const size_t path_start = text.find('/', host_start);
    const size_t question = text.find('?');
    request.method = link.method;
    request.host = text.substr(host_start, path_start - host_start);
    request.path = text.substr(path_start, question - path_start);
    request.bucket_of_host = BucketOfHost(request.host);
    request.headers = link.headers;
    query = text.substr(question + 1);
  }
  std::string url;
  SignedRequest request;
  std::string query;
};

int64_t At(const char* time) { return ParseTimeMs(time); }

class SignedUrlTest : public ::testing::TestWithParam<Link> {
 protected:
  SignedUrlTest() : parts_(GetParam()), key_(RsaKey::FromPublicPem(kPublicKey).value()) {
    auto url = SignedUrl::Parse(parts_.query);
    if (url.ok() && url->has_value()) url_ = **std::move(url);
  }
  bool Holds() const { return url_ && url_->Verify(parts_.request, key_); }

  Parts parts_;
  const RsaKey key_;
  std::optional<SignedUrl> url_;
};

TEST_P(SignedUrlTest, HoldsForItsRequestAlone) {
  ASSERT_TRUE(url_);
  EXPECT_EQ(url_->email(), "signer@godwit.test");
  EXPECT_TRUE(Holds());
  const SignedRequest right = parts_.request;
  parts_.request.method = "DELETE";
  EXPECT_FALSE(Holds());
  parts_.request = right;
  const std::string other_path = std::string(right.path) + "x";
  parts_.request.path = other_path;
  EXPECT_FALSE(Holds());
  parts_.request = right;
  const std::string other_bucket =
      "/other" + std::string(right.path.substr(right.path.find('/', 1)));
  if (right.bucket_of_host.empty()) {
    parts_.request.path = other_bucket;
  } else {
    parts_.request.host = "other.storage.googleapis.com";
    parts_.request.bucket_of_host = "other";
  }
  EXPECT_FALSE(Holds());
  parts_.request = right;
  parts_.request.headers = {};
  EXPECT_EQ(Holds(), right.headers.empty());
  parts_.request = right;
  const RsaKey other_key = RsaKey::Generate().value();
  EXPECT_FALSE(url_->Verify(right, other_key));
}

TEST_P(SignedUrlTest, OpensTheSameBucketAtAnyPort) {
  const std::string_view bucket = parts_.request.bucket_of_host;
  for (const char* port : {":443", ":80", ":"}) {
    const std::string host = std::string(WithoutPort(parts_.request.host)) + port;
    EXPECT_EQ(BucketOfHost(host), bucket) << host;
  }
}

TEST_P(SignedUrlTest, HoldsWithNoMoreExtensionHeadersThanWereSigned) {
  std::vector<SignedRequest::Header> headers(parts_.request.headers.begin(),
                                             parts_.request.headers.end());
  headers.push_back({"User-Agent", "test"});
  parts_.request.headers = headers;
  EXPECT_TRUE(Holds());
  headers.push_back({"X-Goog-Meta-Other", "1"});
  parts_.request.headers = headers;
  EXPECT_FALSE(Holds());
}

TEST_P(SignedUrlTest, EncodesAsTheSignerDid) {
  // A client on the way may unescape what needs no escape.
  std::string path(parts_.request.path);
  path.replace(path.find("%28"), 3, "(");
  parts_.request.path = path;
  EXPECT_TRUE(Holds());
}

TEST_P(SignedUrlTest, EveryBitOfTheSignatureCounts) {
  const size_t at = parts_.query.rfind("ignature=") + 9;
  parts_.query[at] = parts_.query[at] == '0' ? '1' : '0';
  auto url = SignedUrl::Parse(parts_.query);
  ASSERT_TRUE(url.ok() && url->has_value());
  EXPECT_FALSE((*url)->Verify(parts_.request, key_));
}

TEST_P(SignedUrlTest, HasItsTime) {
  const struct {
    const char* now;
    StatusCode code;
  } rows[] = {
      {"2026-01-02T03:04:05Z", StatusCode::kOk},
      {"2026-01-02T03:14:05Z", StatusCode::kOk},
      {"2026-01-02T03:14:06Z", StatusCode::kDownloadUrlExpired},
      {"2026-01-02T02:49:05Z", StatusCode::kOk},  // A quarter of an hour that clocks may differ.
  };
  for (const auto& row : rows) EXPECT_EQ(url_->CheckTime(At(row.now)).code(), row.code) << row.now;
  const bool v4 = parts_.query.find("X-Goog-Date") != std::string::npos;
  EXPECT_EQ(url_->CheckTime(At("2026-01-02T02:49:04Z")).code(),
            v4 ? StatusCode::kPermissionDenied : StatusCode::kOk);
}

TEST_P(SignedUrlTest, HeadIsPartOfGet) {
  if (parts_.request.method != "GET") return;
  parts_.request.method = "HEAD";
  EXPECT_TRUE(Holds());
}

INSTANTIATE_TEST_SUITE_P(Clients, SignedUrlTest, ::testing::ValuesIn(kLinks),
                         [](const auto& link) { return std::string(link.param.name); });

TEST(SignedUrl, RefusesWhatIsMalformed) {
  const std::string v4 = kLinks[0].url.substr(kLinks[0].url.find('?') + 1);
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  const struct {
    const char* what;
    std::string query;
  } rows[] = {
      {"another algorithm", with(v4, "GOOG4-RSA-SHA256", "GOOG4-HMAC-SHA256")},
      {"no date", with(v4, "X-Goog-Date", "X-Goog-Dat")},
      {"a date that is none", with(v4, "20260102T", "20261302T")},
      {"another day's credential", with(v4, "%2F20260102", "%2F20260103")},
      {"another service", with(v4, "%2Fstorage", "%2Fcompute")},
      {"no account", with(v4, "signer%40godwit.test", "")},
      {"more than a week", with(v4, "Expires=600", "Expires=604801")},
      {"no time at all", with(v4, "Expires=600", "Expires=0")},
      {"a time before", with(v4, "Expires=600", "Expires=-600")},
      {"unsigned host", with(v4, "SignedHeaders=host", "SignedHeaders=date")},
      {"a signature that is no hex", with(v4, "Signature=7", "Signature=g")},
      {"a broken escape", v4 + "&a=%2"},
      {"too many parameters", v4 +
                                  [] {
                                    std::string more;
                                    for (int i = 0; i < 64; ++i) more += "&a=b";
                                    return more;
                                  }()},
      {"V2 that never ends", "GoogleAccessId=a&Signature=AAAA&Expires=never"},
      {"V2 past all time", "GoogleAccessId=a&Signature=AAAA&Expires=9223372036854775807"},
      {"V2 that is no base64", "GoogleAccessId=a&Signature=!&Expires=1"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(SignedUrl::Parse(row.query).status().code(), StatusCode::kInvalidArgument)
        << row.what;
  }
}

TEST(SignedUrl, IsNoneWithoutASignature) {
  for (const char* query : {"", "alt=media", "Signature=AAAA", "GoogleAccessId=a", "&&="}) {
    const auto url = SignedUrl::Parse(query);
    EXPECT_TRUE(url.ok() && !url->has_value()) << query;
  }
}

}  // namespace
}  // namespace godwit::server
