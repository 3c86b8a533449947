// Image: pictures for models to look at. The one door to stb is image.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace godwit::cli {

// Rows from the top, pixels from the left, channels interleaved. A value type.
struct Image {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t channels = 0;  // 1: grey, 3: red green blue, 4: and alpha.
  std::vector<uint8_t> pixels;
};

// Decodes PNG, JPEG or BMP into that many channels. kDataLoss when the bytes are no such
// picture, kResourceExhausted when it has more than 64 million pixels.
Result<Image> DecodeImage(std::span<const std::byte> bytes, uint32_t channels);

// Scales without keeping the proportions, as image models are trained. REQUIRES: sizes > 0.
Result<Image> ResizeImage(const Image& image, uint32_t width, uint32_t height);

// The picture in shades of block characters, two columns a pixel, at most columns_max wide.
// Bright is dense: digits are white on black.
std::string DrawImage(const Image& image, uint32_t columns_max);

}  // namespace godwit::cli
