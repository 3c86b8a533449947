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

}  // namespace
}  // namespace godwit
