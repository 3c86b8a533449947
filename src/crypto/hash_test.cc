#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "crypto/crypto.h"

namespace godwit {
namespace {

template <size_t N>
std::string Hex(const std::array<uint8_t, N>& bytes) {
  return HexEncode(std::as_bytes(std::span(bytes)));
}

struct Row {
  std::string data;
  std::string_view digest;
};

// FIPS 180-4's examples.
const Row kSha256Rows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1000000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};

TEST(Sha256, MatchesThePublishedVectorsInOneShotAndInPieces) {
  Sha256 streamed;
  for (const Row& row : kSha256Rows) {
    EXPECT_EQ(Hex(Sha256Of(row.data)), row.digest);
    std::span<const std::byte> rest = AsBytes(row.data);
    while (!rest.empty()) {
      const size_t count = std::min<size_t>(rest.size(), 12345);
      streamed.Update(rest.first(count));
      rest = rest.subspan(count);
    }
    EXPECT_EQ(Hex(streamed.Finish()), row.digest);  // The next row shows that it is reusable.
  }
}

TEST(Md5, MatchesThePublishedVectors) {
  // RFC 1321, appendix A.5.
  const Row rows[] = {{"", "d41d8cd98f00b204e9800998ecf8427e"},
                      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
                      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"}};
  Md5 md5;
  for (const Row& row : rows) {
    md5.Update(AsBytes(row.data));
    EXPECT_EQ(Hex(md5.Finish()), row.digest);
  }
}

TEST(HmacKey, MatchesThePublishedVectors) {
  struct HmacRow {
    std::string key;
    std::string data;
    std::string_view tag;
  };
  // RFC 4231: short, text, long data, and a key longer than a block.
  const HmacRow rows[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}};
  for (const HmacRow& row : rows) {
    EXPECT_EQ(Hex(HmacKey(AsBytes(row.key)).Sign(row.data)), row.tag);
  }
}

TEST(HmacKey, SignsTheSameOnManyThreadsAtOnce) {
  const HmacKey key(AsBytes("Jefe"));
  const auto expected = key.Sign("what do ya want for nothing?");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        if (key.Sign("what do ya want for nothing?") != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ConstantTimeEqual, ComparesLengthAndBytes) {
  EXPECT_TRUE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abc")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abd")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abcd")));
}

TEST(RandomBytes, NeverRepeats) {
  EXPECT_EQ(RandomBytes(0), "");
  EXPECT_EQ(RandomBytes(33).size(), 33u);
  EXPECT_NE(RandomBytes(32), RandomBytes(32));
}

}  // namespace
}  // namespace godwit
