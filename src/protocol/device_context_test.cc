#include "protocol/device_context.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(DeviceContext, ComesBackAsItWasWritten) {
  DeviceContext context;
  ASSERT_TRUE(context.Set(kContextOs, "linux").ok());
  ASSERT_TRUE(context.Set(kContextAppVersion, "2.1.0").ok());
  ASSERT_TRUE(context.Set("shop", "Bad Aibling; a=b %20 ü").ok());
  EXPECT_EQ(context.Serialize(),
            "app_version=2.1.0;os=linux;shop=Bad%20Aibling%3B%20a%3Db%20%2520%20%C3%BC");
  const auto read = DeviceContext::Parse(context.Serialize());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, context);
  EXPECT_EQ(*read->Find("shop"), "Bad Aibling; a=b %20 ü");
  EXPECT_EQ(read->Find("country"), nullptr);
}

TEST(DeviceContext, IsTheSameInWhateverOrderItsFieldsCome) {
  const auto one = DeviceContext::Parse("os=ios;device=iPhone15%2C3");
  const auto other = DeviceContext::Parse("device=iPhone15%2c3;os=ios");
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(*one, *other);
  EXPECT_EQ(other->Serialize(), "device=iPhone15%2C3;os=ios");
}

TEST(DeviceContext, ReplacesAndRemovesFields) {
  DeviceContext context;
  ASSERT_TRUE(context.Set("tier", "free").ok());
  ASSERT_TRUE(context.Set("tier", "paid").ok());
  EXPECT_EQ(context.Serialize(), "tier=paid");
  ASSERT_TRUE(context.Set("tier", "").ok());
  ASSERT_TRUE(context.Set("tier", "").ok());
  EXPECT_EQ(context.Serialize(), "");
}

TEST(DeviceContext, RefusesWhatHasNotTheForm) {
  for (const std::string& header :
       {std::string("os"), std::string("os=a;;b=c"), std::string("=x"), std::string("OS=x"),
        std::string("1os=x"), std::string("os=a b"), std::string("os=%"), std::string("os=%2"),
        std::string("os=%zz"), std::string("os=%00"), std::string("os=%0A"), std::string("os=%FF"),
        std::string("os=a;os=b"), std::string("os=\xC3\xBC"), std::string("os=a,b"),
        std::string(33, 'k') + "=x", "os=" + std::string(257, 'v'), std::string(1025, 'a')}) {
    const auto context = DeviceContext::Parse(header);
    EXPECT_EQ(context.status().code(), StatusCode::kInvalidArgument) << header;
  }
}

TEST(DeviceContext, KeepsItsLimits) {
  DeviceContext context;
  for (size_t i = 0; i < kContextFieldsMax; ++i) {
    ASSERT_TRUE(context.Set("k" + std::to_string(i), "v").ok());
  }
  const DeviceContext full = context;
  EXPECT_EQ(context.Set("more", "v").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(context, full);
  EXPECT_EQ(context.Set("k1", std::string(257, 'v')).code(), StatusCode::kInvalidArgument);
  // Each blank takes three bytes in the header.
  EXPECT_TRUE(context.Set("k1", std::string(256, ' ')).ok());
  EXPECT_EQ(context.Set("k2", std::string(256, ' ')).code(), StatusCode::kResourceExhausted);
  EXPECT_LE(context.Serialize().size(), kContextMaxBytes);
}

}  // namespace
}  // namespace godwit
