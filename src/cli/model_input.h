// Model inputs from what a person has: pictures and tensor files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/image.h"
#include "inference/interpreter.h"

namespace godwit::cli {

// Pixels become (pixel - mean) / std; one value, or one for each channel.
struct PixelScale {
  std::vector<float> mean;
  std::vector<float> std;
};

// What to do with pixels: as the flags say, else the model's metadata; nullopt when neither
// does, and then the input's type decides (see PixelsToInput).
std::optional<PixelScale> ChoosePixelScale(std::optional<double> mean, std::optional<double> std,
                                           const tflite::ModelMetadata& metadata);

// The picture in the size and channels that the input takes: [1, height, width, 1, 3 or 4], or
// the same without the 1 in front. kFailedPrecondition when the input is no picture's.
Result<Image> LoadImageFor(const std::string& path, const TensorInfo& input);

// The input's bytes. Without a scale a quantised 8-bit input takes pixels as they are (int8:
// less 128), any other one from 0 to 1.
Result<std::vector<std::byte>> PixelsToInput(const Image& image,
                                             const std::optional<PixelScale>& scale,
                                             const TensorInfo& input);

// Reads a tensor file ("-": standard input), gives the interpreter's input its shape where it
// differs, and returns the input's bytes.
Result<std::vector<std::byte>> LoadTensorFor(const std::string& path, Interpreter& interpreter,
                                             size_t index);

}  // namespace godwit::cli
