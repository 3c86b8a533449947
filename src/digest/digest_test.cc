#include "digest/digest.h"

#include <gtest/gtest.h>

#include <random>

namespace godwit {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, IsTheSha256OfTheBytes) {
  EXPECT_EQ(DigestOf("abc").ToHex(), kAbc);
  Hasher hasher;
  hasher.Update(Bytes("a"));
  hasher.Update(Bytes("bc"));
  EXPECT_EQ(hasher.Finish().ToHex(), kAbc);
  hasher.Update(Bytes("abc"));
  EXPECT_EQ(hasher.Finish(), DigestOf("abc"));
}

TEST(Digest, ParsesOnlySixtyFourLowerCaseDigits) {
  EXPECT_EQ(Digest::Parse(kAbc).value(), DigestOf("abc"));
  std::string upper = kAbc;
  upper[0] = 'B';
  std::string wrong = kAbc;
  wrong[5] = 'g';
  for (const std::string& text :
       {std::string(), upper, wrong, std::string(kAbc).substr(1), std::string(kAbc) + "0"}) {
    EXPECT_EQ(Digest::Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(Crc32c, MatchesThePublishedVectors) {
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  const struct {
    std::string data;
    uint32_t crc;
  } rows[] = {{"", 0},  // RFC 3720, appendix B.4, then the usual check value.
              {std::string(32, '\0'), 0x8a9136aa},
              {std::string(32, '\xff'), 0x62a8ab43},
              {up, 0x46dd794e},
              {down, 0x113fdb5c},
              {"123456789", 0xe3069283}};
  for (const auto& row : rows) {
    EXPECT_EQ(Crc32c(0, Bytes(row.data)), row.crc);
    EXPECT_EQ(Crc32cByTable(0, Bytes(row.data)), row.crc);
  }
}

TEST(Crc32c, ContinuesAcrossAnySplitAndAgreesWithTheTable) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string data(1000, '\0');
  for (char& byte : data) byte = static_cast<char>(random());
  const uint32_t whole = Crc32cByTable(0, Bytes(data));
  for (size_t split = 0; split <= data.size(); split += 1 + random() % 7) {
    EXPECT_EQ(Crc32c(Crc32c(0, Bytes(data).first(split)), Bytes(data).subspan(split)), whole);
  }
}

}  // namespace
}  // namespace godwit
