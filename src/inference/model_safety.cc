#include "inference/model_safety.h"

#include "tflite/builtin_operators.h"

namespace godwit {
namespace {

constexpr size_t kSvdfStateInput = 4;
constexpr size_t kDenseWeightsInput = 1;

// The int8 kernel of SVDF takes its state for int16 and never looks: with an int8 state it
// reads and writes past the end of the arena, in every version from 2.9 to 2.23.
bool HasShortSvdfState(const tflite::Subgraph& subgraph, const tflite::Operator& op) {
  if (op.custom || op.builtin_code != tflite::kSvdfOperator) return false;
  if (op.inputs.size() <= kSvdfStateInput) return false;
  const int32_t data = op.inputs[0];
  const int32_t state = op.inputs[kSvdfStateInput];
  if (data < 0 || state < 0) return false;
  const auto type = [&](int32_t index) {
    return subgraph.tensors[static_cast<size_t>(index)].type;
  };
  return type(data) == tflite::TensorType::kInt8 && type(state) == tflite::TensorType::kInt8;
}

// Dense layers with a scale for each channel came after 2.9, without a new operator version
// that would have told older libraries: they take the first scale for all.
bool HasDenseChannelScales(const tflite::Subgraph& subgraph, const tflite::Operator& op) {
  if (op.custom || op.builtin_code != tflite::kFullyConnectedOperator) return false;
  if (op.inputs.size() <= kDenseWeightsInput || op.inputs[kDenseWeightsInput] < 0) return false;
  const tflite::Tensor& weights =
      subgraph.tensors[static_cast<size_t>(op.inputs[kDenseWeightsInput])];
  return weights.type == tflite::TensorType::kInt8 && weights.quantization.scale.size() > 1;
}

// Whether "2.9.0" is of 2.0 to 2.9.
bool IsUpTo29(std::string_view version) {
  return version.size() >= 4 && version.starts_with("2.") && version[3] == '.';
}

// Calls check(subgraph, operator) until one says yes.
template <typename Check>
bool AnyOperator(const tflite::Model& model, Check check) {
  for (const tflite::Subgraph& subgraph : model.subgraphs) {
    for (const tflite::Operator& op : subgraph.operators) {
      if (check(subgraph, op)) return true;
    }
  }
  return false;
}

}  // namespace

Status CheckModelSafety(const tflite::Model& model) {
  if (!AnyOperator(model, HasShortSvdfState)) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "the model keeps an SVDF operator's state in int8, which makes TensorFlow Lite "
                "corrupt its memory, so it is not run. Convert it again with an int16 state, or "
                "run it with TensorFlow Lite Micro.");
}

Status CheckRuntimeFits(const tflite::Model& model, std::string_view version) {
  if (!IsUpTo29(version) || !AnyOperator(model, HasDenseChannelScales)) return Status::Ok();
  return Status(StatusCode::kUnimplemented,
                "the model has a dense layer with a scale for each channel, and TensorFlow Lite " +
                    std::string(version) +
                    " would give wrong numbers for it, so it is not run. Use a newer library "
                    "(scripts/fetch-runtime), or convert it with one scale a layer.");
}

}  // namespace godwit
