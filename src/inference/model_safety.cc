#include "inference/model_safety.h"

#include "tflite/builtin_operators.h"

namespace godwit {
namespace {

constexpr size_t kSvdfStateInput = 4;

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

}  // namespace

Status CheckModelSafety(const tflite::Model& model) {
  for (const tflite::Subgraph& subgraph : model.subgraphs) {
    for (const tflite::Operator& op : subgraph.operators) {
      if (HasShortSvdfState(subgraph, op)) {
        return Status(StatusCode::kInvalidArgument,
                      "the model keeps an SVDF operator's state in int8, which makes TensorFlow "
                      "Lite corrupt its memory, so it is not run. Convert it again with an int16 "
                      "state, or run it with TensorFlow Lite Micro.");
      }
    }
  }
  return Status::Ok();
}

}  // namespace godwit
