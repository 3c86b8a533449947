#include "cli/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;

// A 24-bit BMP of 2 x 2: top black and white, bottom red and blue.
std::string SmallBmp() {
  const auto u32 = [](uint32_t value) {
    std::string text;
    for (int i = 0; i < 4; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const std::string pixels(
      "\x00\x00\xFF\xFF\x00\x00\x00\x00"   // Bottom: red, blue, padding.
      "\x00\x00\x00\xFF\xFF\xFF\x00\x00",  // Top: black, white, padding.
      16);
  return "BM" + u32(54 + 16) + u32(0) + u32(54) + u32(40) + u32(2) + u32(2) +
         std::string("\x01\x00\x18\x00", 4) + u32(0) + u32(16) + u32(0) + u32(0) + u32(0) + u32(0) +
         pixels;
}

Result<Image> Decode(std::string_view text, uint32_t channels) {
  return DecodeImage(std::as_bytes(std::span(text)), channels);
}

TEST(Image, DecodesIntoTheChannelsAsked) {
  const auto colour = Decode(SmallBmp(), 3);
  ASSERT_TRUE(colour.ok()) << colour.status().ToString();
  EXPECT_THAT(colour->pixels, ElementsAre(0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255));
  const auto grey = Decode(SmallBmp(), 1);
  ASSERT_TRUE(grey.ok());
  ASSERT_EQ(grey->pixels.size(), 4U);
  EXPECT_EQ(grey->pixels[0], 0);
  EXPECT_EQ(grey->pixels[1], 255);
}

TEST(Image, RefusesWhatIsNoPicture) {
  std::string huge = SmallBmp();
  huge[18 + 2] = 1;  // 65538 x 65538 pixels.
  huge[22 + 2] = 1;
  EXPECT_EQ(Decode("not a picture", 3).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Decode("", 3).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Decode(SmallBmp().substr(0, 40), 3).status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(Decode(huge, 3).ok());
}

TEST(Image, ScalesToTheSizeAsked) {
  const Image grey{4, 4, 1, std::vector<uint8_t>(16, 100)};
  const auto smaller = ResizeImage(grey, 3, 2);
  ASSERT_TRUE(smaller.ok());
  EXPECT_THAT(smaller->pixels, ElementsAre(100, 100, 100, 100, 100, 100));
  EXPECT_EQ(ResizeImage(grey, 4, 4)->pixels, grey.pixels);
}

TEST(Image, DrawsBrightnessAsDensity) {
  const Image grey{2, 2, 1, {0, 255, 128, 64}};
  EXPECT_EQ(DrawImage(grey, 80), "  ██\n▒▒░░\n");
  const Image wide{100, 1, 1, std::vector<uint8_t>(100, 255)};
  EXPECT_EQ(DrawImage(wide, 8), "████████\n");
}

}  // namespace
}  // namespace godwit::cli
