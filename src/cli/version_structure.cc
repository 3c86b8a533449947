#include "cli/version_structure.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cli/diff_report.h"
#include "tflite/model_contract.h"

namespace godwit::cli {
namespace {

constexpr int kTypesKnown = 64;
constexpr int64_t kSizeMax = INT32_MAX;

tflite::TensorType TypeNamed(const std::string& name) {
  for (int8_t number = 0; number < kTypesKnown; ++number) {
    if (tflite::TensorTypeName(tflite::TensorType{number}) == name) {
      return tflite::TensorType{number};
    }
  }
  return tflite::TensorType{-1};
}

tflite::Tensor TensorFrom(const Json& json) {
  tflite::Tensor tensor;
  tensor.name = json["name"].AsString();
  tensor.type = TypeNamed(json["type"].AsString());
  for (const Json& item : json["shape"].items()) {
    const auto size = static_cast<int32_t>(std::clamp<int64_t>(item.AsInt(), -1, kSizeMax));
    tensor.shape_signature.push_back(size);
    tensor.shape.push_back(size < 0 ? 1 : size);  // What converters let a dynamic size start with.
  }
  return tensor;
}

tflite::Model ModelFrom(const Json& version) {
  tflite::Model model;
  tflite::Subgraph& graph = model.subgraphs.emplace_back();
  const auto add = [&](tflite::Tensor tensor) {
    graph.tensors.push_back(std::move(tensor));
    return static_cast<uint32_t>(graph.tensors.size() - 1);
  };
  for (const Json& tensor : version["inputs"].items()) {
    graph.inputs.push_back(static_cast<int32_t>(add(TensorFrom(tensor))));
  }
  for (const Json& tensor : version["outputs"].items()) {
    graph.outputs.push_back(static_cast<int32_t>(add(TensorFrom(tensor))));
  }
  const uint32_t unknown = add({});  // A signature tells the names of its tensors only.
  for (const Json& item : version["signatures"].items()) {
    tflite::Signature& signature = model.signatures.emplace_back();
    signature.key = item["key"].AsString();
    for (const Json& name : item["inputs"].items()) {
      signature.inputs.push_back({name.AsString(), unknown});
    }
    for (const Json& name : item["outputs"].items()) {
      signature.outputs.push_back({name.AsString(), unknown});
    }
  }
  for (const Json& use : version["operators"].items()) {
    tflite::OperatorUse& made = model.operator_uses.emplace_back();
    made.name = use["name"].AsString();
    made.custom = use["custom"].AsBool();
  }
  return model;
}

}  // namespace

std::vector<std::string> BreakingChanges(const Json& before, const Json& after) {
  const tflite::Model old_model = ModelFrom(before);
  const tflite::Model new_model = ModelFrom(after);
  const tflite::ModelMetadata none;
  std::vector<std::string> lines;
  for (auto& change : tflite::CompareContracts({old_model, none}, {new_model, none})) {
    if (change.where.starts_with("signature")) change.after.clear();  // Not known.
    if (change.breaks) lines.push_back(ContractLine(change));
  }
  return lines;
}

}  // namespace godwit::cli
