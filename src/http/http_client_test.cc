#include "http/http_client.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(FindHeader, TakesTheFirstValueAndIgnoresTheCaseOfTheName) {
  const std::vector<HttpHeader> headers = {{"ETag", "\"a\""}, {"etag", "\"b\""}, {"Empty", ""}};
  EXPECT_EQ(FindHeader(headers, "eTAG"), "\"a\"");
  EXPECT_EQ(FindHeader(headers, "empty"), "");
  EXPECT_EQ(FindHeader(headers, "ETa"), std::nullopt);
  EXPECT_EQ(FindHeader({}, "ETag"), std::nullopt);
}

TEST(HttpClient, TakesTheFormsOfProxiesAndPinsAlone) {
  for (const char* proxy :
       {"", "http://p:3128", "https://p", "socks5://p:1080", "socks5h://u:w@p"}) {
    EXPECT_TRUE(CheckProxyUrl(proxy).ok()) << proxy;
  }
  for (const char* proxy : {"p:3128", "http://", "ftp://p", "http://p q", "HTTP//p"}) {
    EXPECT_EQ(CheckProxyUrl(proxy).code(), StatusCode::kInvalidArgument) << proxy;
  }
  const std::string digits(43, 'A');
  EXPECT_TRUE(CheckPin("sha256//" + digits + "=").ok());
  for (const std::string& pin :
       {std::string(), digits + "=", "sha256//" + digits, "sha256//" + digits + "A",
        "sha256//;" + digits.substr(1) + "=", "sha1//" + digits + "="}) {
    EXPECT_EQ(CheckPin(pin).code(), StatusCode::kInvalidArgument) << pin;
  }
}

}  // namespace
}  // namespace godwit
