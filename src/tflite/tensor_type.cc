#include <iterator>

#include "tflite/model_reader.h"

namespace godwit::tflite {
namespace {

struct TypeRow {
  const char* name;
  uint32_t bytes;  // 0: not fixed, or less than one.
};
// By number.
constexpr TypeRow kTypes[] = {
    {"float32", 4}, {"float16", 2},     {"int32", 4},  {"uint8", 1},     {"int64", 8},
    {"string", 0},  {"bool", 1},        {"int16", 2},  {"complex64", 8}, {"int8", 1},
    {"float64", 8}, {"complex128", 16}, {"uint64", 8}, {"resource", 0},  {"variant", 0},
    {"uint32", 4},  {"uint16", 2},      {"int4", 0},   {"bfloat16", 2},
};

}  // namespace

std::string TensorTypeName(TensorType type) {
  const auto index = static_cast<int>(type);
  if (index >= 0 && index < static_cast<int>(std::size(kTypes))) return kTypes[index].name;
  return "type " + std::to_string(index);
}

uint32_t TensorTypeBytes(TensorType type) {
  const auto index = static_cast<int>(type);
  return index >= 0 && index < static_cast<int>(std::size(kTypes)) ? kTypes[index].bytes : 0;
}

std::string ShapeText(const Tensor& tensor) {
  std::string text;
  for (const int32_t size : ShapeOf(tensor)) {
    text += (text.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
  }
  return "[" + text + "]";
}

std::string DescribeTensor(const Tensor& tensor) {
  return TensorTypeName(tensor.type) + " " + ShapeText(tensor);
}

}  // namespace godwit::tflite
