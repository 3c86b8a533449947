// Reads a TensorFlow Lite model's structure from untrusted bytes, bounds-checked, by our own
// flatbuffer reader. Never runs anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace godwit::tflite {

enum class TensorType : int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
  kFloat64 = 10,
  kComplex128 = 11,
  kUint64 = 12,
  kResource = 13,
  kVariant = 14,
  kUint32 = 15,
  kUint16 = 16,
  kInt4 = 17,
  kBfloat16 = 18,
};
// "float32", "int8", …; "type 42" for one that this reader does not know.
std::string TensorTypeName(TensorType type);
// Bytes of one element; 0 when it has no fixed size.
uint32_t TensorTypeBytes(TensorType type);

struct Quantization {
  std::vector<float> scale;  // Empty: not quantised.
  std::vector<int64_t> zero_point;
  int32_t quantized_dimension = 0;
};

struct Tensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  std::vector<int32_t> shape;
  std::vector<int32_t> shape_signature;  // -1 where dynamic; empty when equal to shape.
  uint64_t buffer_bytes = 0;             // Constant data in the file; 0 for activations.
  uint64_t buffer_offset = 0;            // Where it lies in the file.
  uint32_t buffer_index = 0;
  bool is_variable = false;
  Quantization quantization;
};

// -1 where dynamic. Lives as long as the tensor.
inline const std::vector<int32_t>& ShapeOf(const Tensor& tensor) {
  return tensor.shape_signature.empty() ? tensor.shape : tensor.shape_signature;
}
// "[1, 8, 8, 1]"; a dynamic size is "?".
std::string ShapeText(const Tensor& tensor);
// "float32 [1, 8, 8, 1]".
std::string DescribeTensor(const Tensor& tensor);

struct Operator {
  std::string name;          // "CONV_2D"; a custom operator's own name.
  int32_t builtin_code = 0;  // Of BuiltinOperator.
  int32_t version = 1;
  bool custom = false;
  std::vector<int32_t> inputs;  // Tensor indices; -1: optional and absent.
  std::vector<int32_t> outputs;
};

struct Subgraph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<Operator> operators;
};

struct SignatureTensor {
  std::string name;
  uint32_t tensor_index = 0;
};
struct Signature {
  std::string key;
  uint32_t subgraph_index = 0;
  std::vector<SignatureTensor> inputs;
  std::vector<SignatureTensor> outputs;
};

struct OperatorUse {
  std::string name;
  int32_t version = 1;
  bool custom = false;
  uint32_t count = 0;
};

struct Normalization {
  std::vector<float> mean;  // One, or one per channel.
  std::vector<float> std;
};
// From the "TFLITE_METADATA" buffer and the files attached behind the model (a zip).
struct ModelMetadata {
  std::string name;
  std::string description;
  std::vector<Normalization> input_normalization;       // By input; empty entries where none.
  std::vector<std::vector<std::string>> output_labels;  // By output; empty where none.
};

struct Model {
  uint32_t schema_version = 0;
  std::string description;
  std::vector<Subgraph> subgraphs;
  std::vector<Signature> signatures;
  std::vector<OperatorUse> operator_uses;  // Sorted by count, descending, then name.
  std::vector<std::string> metadata_names;
  std::string runtime_version;  // "min_runtime_version" metadata, if any.
  uint64_t file_bytes = 0;
};

struct ReadLimits {
  uint32_t subgraphs_max = 1024;
  uint32_t tensors_max = 1 << 20;    // Over all subgraphs.
  uint32_t operators_max = 1 << 20;  // Over all subgraphs.
  uint32_t name_bytes_max = 4096;
  uint32_t dimensions_max = 8;
};

// kInvalidArgument ("not a TensorFlow Lite model: …" with the byte offset) when the bytes are
// not a valid model within limits. Time and memory are linear in the file's size whatever the
// bytes are. data need not be aligned and is not kept.
Result<Model> ReadModel(std::span<const std::byte> data, const ReadLimits& limits = {});

// The optional metadata (TFLite Metadata schema 1.x). Empty when the model has none; an error
// when it is damaged (the model itself stays usable).
Result<ModelMetadata> ReadMetadata(std::span<const std::byte> data);

}  // namespace godwit::tflite
