// TensorFile: numbers for a model's input, from .npy, JSON or raw bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tflite/model_reader.h"

namespace godwit::cli {

// What a file holds. Exactly one of bytes and values has the data.
struct TensorFile {
  // Raw or .npy: elements as the file stores them, little-endian.
  std::vector<std::byte> bytes;
  std::optional<tflite::TensorType> type;  // Of bytes; none for a raw file.
  // JSON: numbers yet without a type.
  std::vector<float> values;
  bool is_json = false;
  std::vector<int32_t> shape;  // Empty for a raw file.
};

// .npy is known by its magic number; JSON by the name's ending or a leading '['. A file of
// exactly expected_bytes that is neither .npy nor named .json is raw. kInvalidArgument, with
// what is wrong, otherwise.
Result<TensorFile> ParseTensorFile(std::string_view name, std::span<const std::byte> data,
                                   size_t expected_bytes);

}  // namespace godwit::cli
