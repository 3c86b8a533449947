// Numbers as a tensor stores them, and back.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "inference/interpreter.h"

namespace godwit {
namespace {

using tflite::TensorType;

Status NoNumbers(const TensorInfo& info) {
  return Status(StatusCode::kUnimplemented, "tensor '" + info.name + "' is of " +
                                                tflite::TensorTypeName(info.type) +
                                                ", which has no conversion from and to numbers");
}

template <typename T>
void StoreAll(const TensorInfo& info, std::span<const float> values, std::span<std::byte> out) {
  for (size_t i = 0; i < values.size(); ++i) {
    T stored;
    if constexpr (std::is_floating_point_v<T>) {
      stored = static_cast<T>(values[i]);
    } else {
      // In float and halves away from zero, as the library's own QUANTIZE operator rounds.
      double real = std::round(info.scale == 0 ? values[i] : values[i] / info.scale);
      if (info.scale != 0) real += info.zero_point;
      // Beyond 2^53 a double has no neighbours; the largest that fits is taken.
      constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
      constexpr double kHigh = static_cast<double>(std::numeric_limits<T>::max());
      if (std::isnan(real)) real = 0;
      stored = real <= kLow    ? std::numeric_limits<T>::min()
               : real >= kHigh ? std::numeric_limits<T>::max()
                               : static_cast<T>(real);
    }
    std::memcpy(out.data() + i * sizeof(T), &stored, sizeof(T));
  }
}

template <typename T>
std::vector<float> LoadAll(const TensorInfo& info, std::span<const std::byte> stored) {
  std::vector<float> values(stored.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, stored.data() + i * sizeof(T), sizeof(T));
    const bool quantized = !std::is_floating_point_v<T> && info.scale != 0;
    values[i] = quantized ? info.scale * static_cast<float>(static_cast<double>(value) -
                                                            static_cast<double>(info.zero_point))
                          : static_cast<float>(value);
  }
  return values;
}

// Calls `action` with a zero of the C++ type that stores this tensor type; false for others.
template <typename Action>
bool WithStoredType(TensorType type, Action action) {
  switch (type) {
    case TensorType::kFloat32:
      action(float{});
      return true;
    case TensorType::kFloat64:
      action(double{});
      return true;
    case TensorType::kInt8:
      action(int8_t{});
      return true;
    case TensorType::kUint8:
    case TensorType::kBool:
      action(uint8_t{});
      return true;
    case TensorType::kInt16:
      action(int16_t{});
      return true;
    case TensorType::kUint16:
      action(uint16_t{});
      return true;
    case TensorType::kInt32:
      action(int32_t{});
      return true;
    case TensorType::kUint32:
      action(uint32_t{});
      return true;
    case TensorType::kInt64:
      action(int64_t{});
      return true;
    case TensorType::kUint64:
      action(uint64_t{});
      return true;
    default:
      return false;
  }
}

}  // namespace

Status QuantizeTo(const TensorInfo& info, std::span<const float> values, std::span<std::byte> out) {
  bool fits = false;
  const bool known = WithStoredType(info.type, [&]<typename T>(T) {
    fits = out.size() == values.size() * sizeof(T);
    if (fits) StoreAll<T>(info, values, out);
  });
  if (!known) return NoNumbers(info);
  if (fits) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "tensor '" + info.name + "' of " + std::to_string(out.size()) +
                    " bytes does not hold " + std::to_string(values.size()) + " numbers");
}

Result<std::vector<float>> Dequantize(const TensorInfo& info, std::span<const std::byte> stored) {
  std::vector<float> values;
  const bool known =
      WithStoredType(info.type, [&]<typename T>(T) { values = LoadAll<T>(info, stored); });
  if (!known) return NoNumbers(info);
  return values;
}

}  // namespace godwit
