#include "cli/model_input.h"

#include <gtest/gtest.h>

#include <cstring>

namespace godwit::cli {
namespace {

using tflite::TensorType;

TensorInfo PictureInput(TensorType type, int32_t channels) {
  TensorInfo info;
  info.name = "image";
  info.type = type;
  info.shape = {1, 1, 2, channels};
  info.size_bytes = static_cast<size_t>(2 * channels) * tflite::TensorTypeBytes(type);
  return info;
}

std::vector<float> Floats(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(PixelsToInput, ScalesFloatsFromZeroToOneUnlessTold) {
  const Image grey{2, 1, 1, {0, 255}};
  const TensorInfo input = PictureInput(TensorType::kFloat32, 1);
  EXPECT_EQ(Floats(*PixelsToInput(grey, std::nullopt, input)), (std::vector<float>{0, 1}));
  EXPECT_EQ(Floats(*PixelsToInput(grey, PixelScale{{127.5F}, {127.5F}}, input)),
            (std::vector<float>{-1, 1}));
}

TEST(PixelsToInput, HasAScaleForEachChannel) {
  const Image colour{2, 1, 3, {10, 10, 10, 20, 20, 20}};
  const TensorInfo input = PictureInput(TensorType::kFloat32, 3);
  EXPECT_EQ(Floats(*PixelsToInput(colour, PixelScale{{0, 10, 20}, {10, 10, 5}}, input)),
            (std::vector<float>{1, 0, -2, 2, 1, 0}));
}

TEST(PixelsToInput, TakesPixelsAsTheyAreForEightBits) {
  const Image grey{2, 1, 1, {3, 200}};
  const auto bytes = *PixelsToInput(grey, std::nullopt, PictureInput(TensorType::kUint8, 1));
  EXPECT_EQ(bytes, (std::vector{std::byte{3}, std::byte{200}}));
  const auto less = *PixelsToInput(grey, std::nullopt, PictureInput(TensorType::kInt8, 1));
  EXPECT_EQ(std::to_integer<int8_t>(less[0]), 3 - 128);
  EXPECT_EQ(std::to_integer<int8_t>(less[1]), 200 - 128);
}

TEST(PixelsToInput, QuantisesWhatTheScaleGives) {
  TensorInfo input = PictureInput(TensorType::kInt8, 1);
  input.scale = 0.5F;
  input.zero_point = 10;
  const auto bytes = *PixelsToInput(Image{2, 1, 1, {0, 4}}, PixelScale{{0}, {1}}, input);
  EXPECT_EQ(std::to_integer<int8_t>(bytes[0]), 10);
  EXPECT_EQ(std::to_integer<int8_t>(bytes[1]), 18);
}

TEST(PixelScale, ComesFromFlagsBeforeMetadata) {
  tflite::ModelMetadata metadata;
  EXPECT_FALSE(ChoosePixelScale(std::nullopt, std::nullopt, metadata).has_value());
  metadata.input_normalization = {{{1}, {2}}};
  EXPECT_EQ(ChoosePixelScale(std::nullopt, std::nullopt, metadata)->std, std::vector<float>{2});
  EXPECT_EQ(ChoosePixelScale(5, std::nullopt, metadata)->mean, std::vector<float>{5});
  EXPECT_EQ(ChoosePixelScale(5, std::nullopt, metadata)->std, std::vector<float>{1});
}

TEST(LoadImage, SaysThatAnInputTakesNoPicture) {
  for (const std::vector<int32_t>& shape :
       {std::vector<int32_t>{1, 10}, {1, 4, 4, 2}, {2, 4, 4, 3}, {1, 0, 4, 3}, {}}) {
    TensorInfo input;
    input.shape = shape;
    EXPECT_EQ(LoadImageFor("/dev/null", input).status().code(), StatusCode::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace godwit::cli
