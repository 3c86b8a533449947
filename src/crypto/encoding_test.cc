#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace godwit {
namespace {

struct Row {
  std::string_view bytes;
  std::string_view text;
};

// RFC 4648, section 10, and the two digits in which the alphabets differ.
constexpr Row kStandardRows[] = {{"", ""},
                                 {"f", "Zg=="},
                                 {"fo", "Zm8="},
                                 {"foo", "Zm9v"},
                                 {"foob", "Zm9vYg=="},
                                 {"fooba", "Zm9vYmE="},
                                 {"foobar", "Zm9vYmFy"},
                                 {"\xfb\xff\xfe", "+//+"}};

TEST(Base64, EncodesAndDecodesThePublishedVectors) {
  for (const Row& row : kStandardRows) {
    EXPECT_EQ(Base64Encode(AsBytes(row.bytes)), row.text);
    ASSERT_TRUE(Base64Decode(row.text).ok()) << row.text;
    EXPECT_EQ(Base64Decode(row.text).value(), row.bytes);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm-v", "Zm9v\n",
                           "Z g=", "Zg==Zg==", "\xc3\xa4==", "A==="}) {
    EXPECT_FALSE(Base64Decode(text).ok()) << text;
  }
}

TEST(Base64Url, EncodesWithoutPaddingAndDecodesBothForms) {
  constexpr Row kRows[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff\xfe", "-__-"}};
  for (const Row& row : kRows) {
    EXPECT_EQ(Base64UrlEncode(AsBytes(row.bytes)), row.text);
    ASSERT_TRUE(Base64UrlDecode(row.text).ok()) << row.text;
    EXPECT_EQ(Base64UrlDecode(row.text).value(), row.bytes);
  }
  EXPECT_EQ(Base64UrlDecode("Zg==").value(), "f");
  for (const char* text : {"Z", "Zh", "+//+", "Zg=", "=", "Zg\n"}) {
    EXPECT_FALSE(Base64UrlDecode(text).ok()) << text;
  }
}

TEST(Base64Url, DecodesIntoABufferOnlyWhatFits) {
  std::array<std::byte, 3> out;
  EXPECT_EQ(Base64UrlDecodeTo("Zm9v", out), 3u);
  EXPECT_EQ(out[2], std::byte{'o'});
  EXPECT_EQ(Base64UrlDecodeTo("Zg", out), 1u);
  EXPECT_EQ(Base64UrlDecodeTo("Zm9vYg", out), std::nullopt);
  EXPECT_EQ(Base64UrlDecodeTo("Zg==", out), std::nullopt);
}

TEST(Hex, ReadsBothCasesAndWritesLowerCase) {
  EXPECT_EQ(HexEncode(AsBytes(std::string_view("\x00\x9f\xff", 3))), "009fff");
  EXPECT_EQ(HexDecode("009fFF").value(), std::string("\x00\x9f\xff", 3));
  EXPECT_EQ(HexDecode("").value(), "");
  for (const char* text : {"0", "0g", "0x", " 0", "000"}) EXPECT_FALSE(HexDecode(text).ok());
}

}  // namespace
}  // namespace godwit
