#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "inference/interpreter.h"

namespace godwit {
namespace {

using tflite::TensorType;

TensorInfo Tensor(TensorType type, float scale, int32_t zero_point) {
  TensorInfo info;
  info.type = type;
  info.scale = scale;
  info.zero_point = zero_point;
  return info;
}

TEST(Quantization, RoundsAndClampsToTheStoredType) {
  struct Row {
    TensorType type;
    float scale;
    int32_t zero_point;
    float number;
    float back;  // After storing and loading.
  };
  const Row rows[] = {
      {TensorType::kFloat32, 0, 0, 0.1f, 0.1f},
      {TensorType::kInt8, 0.5f, 10, 1.3f, 1.5f},
      {TensorType::kInt8, 0.5f, 10, -1.26f, -1.5f},
      {TensorType::kInt8, 0.5f, 10, 1000, 58.5f},
      {TensorType::kInt8, 0.5f, 10, -1000, -69},
      {TensorType::kUint8, 1.0f / 255, 0, 1, 1},
      {TensorType::kUint8, 0, 0, 300, 255},
      {TensorType::kInt16, 0.25f, 0, 0.3f, 0.25f},
      {TensorType::kInt32, 0, 0, -7.6f, -8},
      {TensorType::kInt64, 0, 0, 9.3e18f, 9.223372e18f},
      {TensorType::kFloat64, 0, 0, 0.75f, 0.75f},
      {TensorType::kInt8, 0.5f, 3, std::numeric_limits<float>::quiet_NaN(), -1.5f},
      {TensorType::kUint8, 0.5f, 3, std::numeric_limits<float>::infinity(), 126},
  };
  for (const Row& row : rows) {
    const TensorInfo info = Tensor(row.type, row.scale, row.zero_point);
    std::vector<std::byte> stored(tflite::TensorTypeBytes(row.type));
    ASSERT_TRUE(QuantizeTo(info, {&row.number, 1}, stored).ok());
    const Result<std::vector<float>> back = Dequantize(info, stored);
    ASSERT_TRUE(back.ok());
    EXPECT_FLOAT_EQ(back->at(0), row.back) << tflite::TensorTypeName(row.type) << " " << row.number;
  }
}

TEST(Quantization, RefusesAWrongRoomAndATypeWithoutNumbers) {
  const float number = 1;
  std::vector<std::byte> room(3);
  const TensorInfo floats = Tensor(TensorType::kFloat32, 0, 0);
  EXPECT_EQ(QuantizeTo(floats, {&number, 1}, room).code(), StatusCode::kInvalidArgument);
  const TensorInfo text = Tensor(TensorType::kString, 0, 0);
  EXPECT_EQ(QuantizeTo(text, {&number, 1}, room).code(), StatusCode::kUnimplemented);
  EXPECT_EQ(Dequantize(text, room).status().code(), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace godwit
