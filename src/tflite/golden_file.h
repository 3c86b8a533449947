// GoldenFile: inputs of a model and the outputs that it must give for them, to try a version
// before a device switches to it. docs/formats/golden.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tflite/model_reader.h"

namespace godwit::tflite {

constexpr uint64_t kGoldenFileMaxBytes = 16 << 20;
constexpr uint32_t kGoldenCasesMax = 64;
constexpr uint32_t kGoldenTensorsMax = 64;  // Inputs of a case, and outputs of a case.
constexpr uint32_t kGoldenNameMaxBytes = 256;
constexpr uint32_t kGoldenDimensionsMax = 8;

// A value type.
struct GoldenTensor {
  std::string name;  // As the model's primary input or output is called.
  TensorType type = TensorType::kFloat32;
  std::vector<int32_t> shape;  // None is negative.
  std::string bytes;           // As the tensor stores them.
  friend bool operator==(const GoldenTensor&, const GoldenTensor&) = default;
};

// One run. Outputs are compared as real numbers: |found - expected| may be at most
// absolute_tolerance + relative_tolerance * |expected|; both 0: whoever compares decides.
struct GoldenCase {
  std::string name;
  std::vector<GoldenTensor> inputs;
  std::vector<GoldenTensor> outputs;
  float absolute_tolerance = 0;
  float relative_tolerance = 0;
  uint32_t latency_budget_ms = 0;  // For one run; 0: none.
  friend bool operator==(const GoldenCase&, const GoldenCase&) = default;
};

// REQUIRES: the cases keep to the limits above.
std::string EncodeGoldenFile(const std::vector<GoldenCase>& cases);

// kInvalidArgument, with the byte offset, when the bytes are no golden file within the limits.
// Takes at most as much memory as the bytes, and time linear in them.
Result<std::vector<GoldenCase>> ParseGoldenFile(std::span<const std::byte> bytes);

}  // namespace godwit::tflite
