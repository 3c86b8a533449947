#include "cli/image.h"

#include <algorithm>
#include <cassert>
#include <memory>

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"  // Static, and not all of it is used.
#include <stb/stb_image.h>
#include <stb/stb_image_resize.h>
#pragma GCC diagnostic pop

namespace godwit::cli {
namespace {

constexpr int64_t kPixelsMax = 64'000'000;
constexpr size_t kFileBytesMax = 256 << 20;

struct StbDelete {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

Status NoPicture() {
  const char* reason = stbi_failure_reason();
  return Status(StatusCode::kDataLoss,
                std::string("it is no PNG, JPEG or BMP picture that can be read (") +
                    (reason == nullptr ? "unknown format" : reason) + "); give another one");
}

uint8_t Brightness(const Image& image, uint32_t x, uint32_t y) {
  const size_t at = (size_t{y} * image.width + x) * image.channels;
  if (image.channels < 3) return image.pixels[at];
  // Rec. 601's weights.
  const uint32_t sum =
      299U * image.pixels[at] + 587U * image.pixels[at + 1] + 114U * image.pixels[at + 2];
  return static_cast<uint8_t>(sum / 1000);
}

}  // namespace

Result<Image> DecodeImage(std::span<const std::byte> bytes, uint32_t channels) {
  assert(channels >= 1 && channels <= 4);
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  if (bytes.size() > kFileBytesMax) {
    return Status(StatusCode::kResourceExhausted, "the picture's file is too large; scale it down");
  }
  const int size = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int in_file = 0;
  if (stbi_info_from_memory(data, size, &width, &height, &in_file) == 0) return NoPicture();
  if (int64_t{width} * height > kPixelsMax) {
    return Status(StatusCode::kResourceExhausted,
                  "the picture has more than 64 million pixels; scale it down");
  }
  const std::unique_ptr<stbi_uc, StbDelete> pixels(
      stbi_load_from_memory(data, size, &width, &height, &in_file, static_cast<int>(channels)));
  if (!pixels) return NoPicture();
  Image image{static_cast<uint32_t>(width), static_cast<uint32_t>(height), channels, {}};
  image.pixels.assign(pixels.get(), pixels.get() + size_t{image.width} * image.height * channels);
  return image;
}

Result<Image> ResizeImage(const Image& image, uint32_t width, uint32_t height) {
  assert(width > 0 && height > 0);
  if (image.width == width && image.height == height) return image;
  if (int64_t{width} * height > kPixelsMax) {
    return Status(StatusCode::kResourceExhausted, "the picture would have too many pixels");
  }
  Image resized{width, height, image.channels, {}};
  resized.pixels.resize(size_t{width} * height * image.channels);
  if (stbir_resize_uint8(image.pixels.data(), static_cast<int>(image.width),
                         static_cast<int>(image.height), 0, resized.pixels.data(),
                         static_cast<int>(width), static_cast<int>(height), 0,
                         static_cast<int>(image.channels)) == 0) {
    return Status(StatusCode::kResourceExhausted, "there is too little memory to scale a picture");
  }
  return resized;
}

std::string DrawImage(const Image& image, uint32_t columns_max) {
  static constexpr const char* kShades[] = {" ", "░", "▒", "▓", "█"};
  const uint32_t width_max = std::max(columns_max / 2, 1U);
  const Image* shown = &image;
  Result<Image> smaller = image;
  if (image.width > width_max) {
    const uint64_t height = uint64_t{image.height} * width_max / image.width;
    smaller = ResizeImage(image, width_max, static_cast<uint32_t>(std::max<uint64_t>(height, 1)));
    if (!smaller.ok()) return "";
    shown = &*smaller;
  }
  std::string text;
  for (uint32_t y = 0; y < shown->height; ++y) {
    std::string line;
    for (uint32_t x = 0; x < shown->width; ++x) {
      const char* shade = kShades[(Brightness(*shown, x, y) * 4 + 127) / 255];
      line += shade;
      line += shade;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace godwit::cli
