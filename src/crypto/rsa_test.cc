#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace godwit {
namespace {

class RsaKeyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = new RsaKey(RsaKey::Generate().value()); }
  static void TearDownTestSuite() { delete key_; }
  static RsaKey* key_;
};
RsaKey* RsaKeyTest::key_ = nullptr;

TEST_F(RsaKeyTest, VerifiesItsOwnSignatureThroughBothPemForms) {
  EXPECT_TRUE(key_->PrivatePem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  EXPECT_TRUE(key_->PublicPem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
  const RsaKey secret = RsaKey::FromPrivatePem(key_->PrivatePem()).value();
  const RsaKey open = RsaKey::FromPublicPem(key_->PublicPem()).value();
  const std::string signature = secret.SignSha256("head.claims").value();
  EXPECT_EQ(signature.size(), 256u);
  EXPECT_TRUE(open.VerifySha256("head.claims", signature));
}

TEST_F(RsaKeyTest, RefusesAnotherTextAnotherKeyAndADamagedSignature) {
  std::string signature = key_->SignSha256("text").value();
  EXPECT_FALSE(key_->VerifySha256("Text", signature));
  EXPECT_FALSE(RsaKey::Generate().value().VerifySha256("text", signature));
  EXPECT_FALSE(key_->VerifySha256("text", ""));
  EXPECT_FALSE(key_->VerifySha256("text", signature.substr(1)));
  signature[100] = static_cast<char>(signature[100] ^ 1);
  EXPECT_FALSE(key_->VerifySha256("text", signature));
}

TEST_F(RsaKeyTest, APublicKeyCannotSign) {
  const RsaKey open = RsaKey::FromPublicPem(key_->PublicPem()).value();
  EXPECT_EQ(open.SignSha256("x").status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(RsaKeyTest, RefusesTextThatIsNoKey) {
  for (const std::string& pem : {std::string(), std::string("hello"), key_->PublicPem(),
                                 key_->PrivatePem().substr(0, 400), std::string(1 << 20, 'A')}) {
    EXPECT_EQ(RsaKey::FromPrivatePem(pem).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(RsaKey::FromPublicPem(key_->PrivatePem()).ok());
}

// Made by another program: the signature of "godwit" under a 2048-bit PKCS#1 key.
#include "crypto/rsa_vector.inc"

TEST(RsaKey, VerifiesASignatureMadeElsewhere) {
  const RsaKey secret = RsaKey::FromPrivatePem(kForeignPrivatePem).value();
  const std::string signature = Base64Decode(kForeignSignature).value();
  EXPECT_EQ(secret.SignSha256("godwit").value(), signature);
  EXPECT_TRUE(secret.VerifySha256("godwit", signature));
}

}  // namespace
}  // namespace godwit
