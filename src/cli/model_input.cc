#include "cli/model_input.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/mapped_file.h"
#include "cli/tensor_file.h"

namespace godwit::cli {
namespace {

using tflite::TensorType;

constexpr size_t kStandardInputBytesMax = size_t{1} << 30;

std::string ShapeText(const std::vector<int32_t>& shape) {
  std::string text;
  for (const int32_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

struct PictureShape {
  uint32_t height = 0;
  uint32_t width = 0;
  uint32_t channels = 0;
};

Result<PictureShape> PictureShapeOf(const TensorInfo& input) {
  std::vector<int32_t> shape = input.shape;
  if (shape.size() == 4 && shape.front() == 1) shape.erase(shape.begin());
  const bool picture = shape.size() == 3 && shape[0] > 0 && shape[1] > 0 &&
                       (shape[2] == 1 || shape[2] == 3 || shape[2] == 4);
  if (!picture) {
    return Status(StatusCode::kFailedPrecondition,
                  "the model's input '" + input.name + "' " + ShapeText(input.shape) +
                      " takes no picture ([1, height, width, channels]); give tensors by --input");
  }
  return PictureShape{static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]),
                      static_cast<uint32_t>(shape[2])};
}

float At(const std::vector<float>& values, size_t channel, float fallback) {
  if (values.empty()) return fallback;
  return values[std::min(channel, values.size() - 1)];
}

Result<std::string> ReadStandardInput() {
  std::string text;
  char block[64 << 10];
  while (const size_t count = std::fread(block, 1, sizeof block, stdin)) {
    text.append(block, count);
    if (text.size() > kStandardInputBytesMax) {
      return Status(StatusCode::kResourceExhausted, "standard input has more than 1 GB");
    }
  }
  return text;
}

// The file's numbers as the input stores them.
Result<std::vector<std::byte>> ConvertTo(const TensorInfo& input, TensorFile tensor) {
  if (!tensor.is_json) {
    const bool same_type = !tensor.type || *tensor.type == input.type;
    if (same_type && tensor.bytes.size() == input.size_bytes) return std::move(tensor.bytes);
    if (!same_type) {
      // A plain view of the file's numbers, then as if they had come without a type.
      TensorInfo plain;
      plain.type = *tensor.type;
      plain.shape = tensor.shape;
      plain.size_bytes = tensor.bytes.size();
      GODWIT_ASSIGN_OR_RETURN(tensor.values, Dequantize(plain, tensor.bytes));
      tensor.is_json = true;
    }
  }
  const uint32_t element_bytes = tflite::TensorTypeBytes(input.type);
  const size_t wanted = element_bytes == 0 ? 0 : input.size_bytes / element_bytes;
  if (!tensor.is_json || tensor.values.size() != wanted) {
    return Status(
        StatusCode::kInvalidArgument,
        "its shape " + ShapeText(tensor.shape) + " is not the input's " + ShapeText(input.shape));
  }
  std::vector<std::byte> bytes(input.size_bytes);
  GODWIT_RETURN_IF_ERROR(QuantizeTo(input, tensor.values, bytes));
  return bytes;
}

}  // namespace

std::optional<PixelScale> ChoosePixelScale(std::optional<double> mean, std::optional<double> std,
                                           const tflite::ModelMetadata& metadata) {
  if (mean || std) {
    return PixelScale{{static_cast<float>(mean.value_or(0))},
                      {static_cast<float>(std.value_or(1))}};
  }
  if (metadata.input_normalization.empty()) return std::nullopt;
  const tflite::Normalization& normalization = metadata.input_normalization.front();
  if (normalization.mean.empty() || normalization.std.empty()) return std::nullopt;
  return PixelScale{normalization.mean, normalization.std};
}

Result<Image> LoadImageFor(const std::string& path, const TensorInfo& input) {
  GODWIT_ASSIGN_OR_RETURN(const PictureShape shape, PictureShapeOf(input));
  GODWIT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  GODWIT_ASSIGN_OR_RETURN(
      const Image image,
      DecodeImage(file.bytes(), shape.channels).WithContext("picture '" + path + "'"));
  return ResizeImage(image, shape.width, shape.height);
}

Result<std::vector<std::byte>> PixelsToInput(const Image& image,
                                             const std::optional<PixelScale>& scale,
                                             const TensorInfo& input) {
  std::vector<std::byte> bytes(input.size_bytes);
  const bool eight_bit = input.type == TensorType::kUint8 || input.type == TensorType::kInt8;
  if (!scale && eight_bit && bytes.size() == image.pixels.size()) {
    const uint8_t flip = input.type == TensorType::kInt8 ? 0x80 : 0;  // Less 128.
    std::transform(image.pixels.begin(), image.pixels.end(), bytes.begin(),
                   [flip](uint8_t pixel) { return static_cast<std::byte>(pixel ^ flip); });
    return bytes;
  }
  std::vector<float> values(image.pixels.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i % image.channels;
    const float mean = scale ? At(scale->mean, channel, 0) : 0;
    const float std = scale ? At(scale->std, channel, 1) : 255;
    values[i] = (static_cast<float>(image.pixels[i]) - mean) / (std == 0 ? 1 : std);
  }
  GODWIT_RETURN_IF_ERROR(QuantizeTo(input, values, bytes));
  return bytes;
}

Result<std::vector<std::byte>> LoadTensorFor(const std::string& path, Interpreter& interpreter,
                                             size_t index) {
  const std::string context = "input '" + path + "'";
  const size_t expected_bytes = interpreter.inputs()[index].size_bytes;
  TensorFile tensor;
  if (path == "-") {
    GODWIT_ASSIGN_OR_RETURN(const std::string text, ReadStandardInput());
    GODWIT_ASSIGN_OR_RETURN(tensor,
                            ParseTensorFile(path, std::as_bytes(std::span(text)), expected_bytes)
                                .WithContext("standard input"));
  } else {
    GODWIT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
    GODWIT_ASSIGN_OR_RETURN(
        tensor, ParseTensorFile(path, file.bytes(), expected_bytes).WithContext(context));
  }
  const std::vector<int32_t>& shape = interpreter.inputs()[index].shape;
  if (tensor.shape.size() == shape.size() && tensor.shape != shape) {
    GODWIT_RETURN_IF_ERROR(interpreter.ResizeInput(index, tensor.shape).WithContext(context));
  }
  return ConvertTo(interpreter.inputs()[index], std::move(tensor)).WithContext(context);
}

}  // namespace godwit::cli
