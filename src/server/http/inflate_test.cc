#include "server/http/inflate.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

// gzip -n of "hello\n".
constexpr std::string_view kHello(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06"
    "\x00\x00\x00",
    26);

TEST(InflateGzip, ReadsOneMemberOrSeveral) {
  EXPECT_EQ(*InflateGzip(kHello, 6), "hello\n");
  EXPECT_EQ(*InflateGzip(std::string(kHello) + std::string(kHello), 12), "hello\nhello\n");
}

TEST(InflateGzip, RefusesWhatIsNoWholeGzipFile) {
  for (size_t size = 0; size < kHello.size(); ++size) {
    EXPECT_EQ(InflateGzip(kHello.substr(0, size), 100).status().code(),
              StatusCode::kInvalidArgument)
        << size;
  }
  EXPECT_FALSE(InflateGzip(std::string(kHello) + "x", 100).ok());
  std::string damaged(kHello);
  damaged[19] ^= 1;  // The checksum.
  EXPECT_FALSE(InflateGzip(damaged, 100).ok());
}

TEST(InflateGzip, StopsAtTheLimit) {
  EXPECT_EQ(InflateGzip(kHello, 5).status().code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace godwit::server
