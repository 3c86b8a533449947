#include "tflite/model_contract.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace godwit::tflite {
namespace {

using Kind = ContractChange::Kind;

// One input or output: the name that an app knows it by, and its tensor.
struct Port {
  std::string_view name;
  uint32_t tensor_index = 0;
};

enum class Side { kInput, kOutput };

std::string NumberText(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);  // The shortest exact form.
  return std::string(text, end.ptr);
}

std::string NumbersText(const std::vector<float>& values) {
  if (values.size() == 1) return NumberText(values.front());
  return "[" + NumberText(values.front()) + ", …] (" + std::to_string(values.size()) + ")";
}

std::string QuantizationText(const Quantization& quantization) {
  if (quantization.scale.empty()) return "none";
  std::string text = "scale " + NumbersText(quantization.scale);
  if (!quantization.zero_point.empty()) {
    text += ", zero point " + std::to_string(quantization.zero_point.front());
  }
  return text;
}

std::string NormalizationText(const Normalization& normalization) {
  if (normalization.mean.empty()) return "none";
  return "mean " + NumbersText(normalization.mean) + ", std " + NumbersText(normalization.std);
}

std::string Quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

bool IsQuantizedType(TensorType type) {
  return type == TensorType::kInt8 || type == TensorType::kUint8 || type == TensorType::kInt16 ||
         type == TensorType::kInt32 || type == TensorType::kInt4;
}

// What one dimension's change does to an app. `before` and `after`: -1 where dynamic; the starting
// sizes are those that an app meets which resizes nothing.
bool DimensionBreaks(Side side, int32_t before, int32_t after, int32_t starts_before,
                     int32_t starts_after) {
  if (before == after) return false;
  if (before < 0) return side == Side::kInput;  // It could be resized, and now it cannot.
  if (after < 0) return starts_before != starts_after;
  return true;
}

bool ShapeBreaks(Side side, const Tensor& before, const Tensor& after) {
  const std::vector<int32_t>& old_sizes = ShapeOf(before);
  const std::vector<int32_t>& new_sizes = ShapeOf(after);
  if (old_sizes.size() != new_sizes.size() || before.shape.size() != old_sizes.size() ||
      after.shape.size() != new_sizes.size()) {
    return true;
  }
  for (size_t i = 0; i < old_sizes.size(); ++i) {
    if (DimensionBreaks(side, old_sizes[i], new_sizes[i], before.shape[i], after.shape[i])) {
      return true;
    }
  }
  return false;
}

class Comparison {
 public:
  Comparison(const ModelFace& before, const ModelFace& after) : before_(before), after_(after) {}

  std::vector<ContractChange> Run() {
    CompareGraphs();
    CompareSignatures();
    CompareMetadata();
    CompareNeeds();
    breaking_.insert(breaking_.end(), std::move_iterator(harmless_.begin()),
                     std::move_iterator(harmless_.end()));
    return std::move(breaking_);
  }

 private:
  void Add(Kind kind, bool breaks, std::string where, std::string before, std::string after) {
    (breaks ? breaking_ : harmless_)
        .push_back({kind, breaks, std::move(where), std::move(before), std::move(after)});
  }

  void CompareGraphs() {
    if (before_.model.subgraphs.empty() || after_.model.subgraphs.empty()) return;
    const Subgraph& before = before_.model.subgraphs.front();
    const Subgraph& after = after_.model.subgraphs.front();
    ComparePlaces(Side::kInput, Ports(before, before.inputs), Ports(after, after.inputs));
    ComparePlaces(Side::kOutput, Ports(before, before.outputs), Ports(after, after.outputs));
  }

  static std::vector<Port> Ports(const Subgraph& graph, const std::vector<int32_t>& indices) {
    std::vector<Port> ports;
    for (const int32_t index : indices) {
      const auto place = static_cast<uint32_t>(index);  // The reader refuses an absent one here.
      ports.push_back({graph.tensors[place].name, place});
    }
    return ports;
  }

  // Of the graph's own inputs or outputs, which apps address by index or by name.
  void ComparePlaces(Side side, const std::vector<Port>& before, const std::vector<Port>& after) {
    const char* noun = side == Side::kInput ? "input " : "output ";
    std::set<std::string_view> old_names;
    std::map<std::string_view, size_t> new_places;
    for (const Port& port : before) old_names.insert(port.name);
    for (size_t i = 0; i < after.size(); ++i) new_places.try_emplace(after[i].name, i);
    std::vector<bool> taken(after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      const std::string where = noun + std::to_string(i) + " " + Quoted(before[i].name);
      const auto found = new_places.find(before[i].name);
      size_t place = i;
      if (i < after.size() && after[i].name == before[i].name) {
        // Where it was.
      } else if (found != new_places.end() && !taken[found->second]) {
        place = found->second;
        Add(Kind::kMoved, true, where, noun + std::to_string(i), noun + std::to_string(place));
      } else if (i < after.size() && !old_names.contains(after[i].name)) {
        Add(Kind::kRenamed, true, where, Quoted(before[i].name), Quoted(after[i].name));
      } else {
        Add(Kind::kMissing, true, where, Text(before_, 0, before[i]), "");
        continue;
      }
      taken[place] = true;
      CompareTensors(side, 0, before[i], 0, after[place], where);
    }
    for (size_t i = 0; i < after.size(); ++i) {
      if (taken[i]) continue;
      // An app does not fill an input that it does not know; a further output it never asks for.
      Add(Kind::kAdded, side == Side::kInput,
          noun + std::to_string(i) + " " + Quoted(after[i].name), "", Text(after_, 0, after[i]));
    }
  }

  void CompareSignatures() {
    std::map<std::string_view, const Signature*> known;
    for (const Signature& signature : after_.model.signatures) {
      known.try_emplace(signature.key, &signature);
    }
    std::set<std::string_view> old_keys;
    for (const Signature& signature : before_.model.signatures) {
      if (!old_keys.insert(signature.key).second) continue;
      const std::string where = "signature " + Quoted(signature.key);
      const auto found = known.find(signature.key);
      if (found == known.end()) {
        Add(Kind::kMissing, true, where, Quoted(signature.key), "");
        continue;
      }
      CompareNames(Side::kInput, signature, *found->second, where);
      CompareNames(Side::kOutput, signature, *found->second, where);
    }
    for (const auto& [key, signature] : known) {
      if (old_keys.contains(key)) continue;
      Add(Kind::kAdded, false, "signature " + Quoted(key), "", Quoted(key));
    }
  }

  // Of one signature's inputs or outputs, which apps address by name only.
  void CompareNames(Side side, const Signature& before, const Signature& after,
                    const std::string& signature) {
    const bool inputs = side == Side::kInput;
    const std::string noun = signature + (inputs ? ", input " : ", output ");
    std::map<std::string_view, Port> known;
    for (const SignatureTensor& tensor : inputs ? after.inputs : after.outputs) {
      known.try_emplace(tensor.name, Port{tensor.name, tensor.tensor_index});
    }
    std::set<std::string_view> old_names;
    for (const SignatureTensor& tensor : inputs ? before.inputs : before.outputs) {
      if (!old_names.insert(tensor.name).second) continue;
      const Port port{tensor.name, tensor.tensor_index};
      const std::string where = noun + Quoted(tensor.name);
      const auto found = known.find(tensor.name);
      if (found == known.end()) {
        Add(Kind::kMissing, true, where, Text(before_, before.subgraph_index, port), "");
        continue;
      }
      CompareTensors(side, before.subgraph_index, port, after.subgraph_index, found->second, where);
    }
    for (const auto& [name, port] : known) {
      if (old_names.contains(name)) continue;
      Add(Kind::kAdded, inputs, noun + Quoted(name), "", Text(after_, after.subgraph_index, port));
    }
  }

  static const Tensor& TensorOf(const ModelFace& face, uint32_t graph, const Port& port) {
    return face.model.subgraphs[graph].tensors[port.tensor_index];
  }
  static std::string Text(const ModelFace& face, uint32_t graph, const Port& port) {
    return DescribeTensor(TensorOf(face, graph, port));
  }

  // A signature mostly names the graph's own inputs and outputs: each pair is compared once.
  void CompareTensors(Side side, uint32_t old_graph, const Port& old_port, uint32_t new_graph,
                      const Port& new_port, const std::string& where) {
    const std::pair old_place(old_graph, old_port.tensor_index);
    const std::pair new_place(new_graph, new_port.tensor_index);
    if (!compared_.insert({old_place, new_place}).second) return;
    const Tensor& before = TensorOf(before_, old_graph, old_port);
    const Tensor& after = TensorOf(after_, new_graph, new_port);
    if (before.type != after.type) {
      Add(Kind::kType, true, where, TensorTypeName(before.type), TensorTypeName(after.type));
    }
    if (ShapeOf(before) != ShapeOf(after) || before.shape.size() != after.shape.size()) {
      Add(Kind::kShape, ShapeBreaks(side, before, after), where, ShapeText(before),
          ShapeText(after));
    }
    // Apps that hold their own copy of the numbers would silently compute wrong ones.
    if (before.type == after.type && IsQuantizedType(after.type) &&
        (before.quantization.scale != after.quantization.scale ||
         before.quantization.zero_point != after.quantization.zero_point)) {
      Add(Kind::kQuantization, true, where, QuantizationText(before.quantization),
          QuantizationText(after.quantization));
    }
  }

  void CompareMetadata() {
    const auto& old_labels = before_.metadata.output_labels;
    const auto& new_labels = after_.metadata.output_labels;
    const std::vector<std::string> none;
    for (size_t i = 0; i < std::max(old_labels.size(), new_labels.size()); ++i) {
      CompareLabels("output " + std::to_string(i), i < old_labels.size() ? old_labels[i] : none,
                    i < new_labels.size() ? new_labels[i] : none);
    }
    const auto& old_norms = before_.metadata.input_normalization;
    const auto& new_norms = after_.metadata.input_normalization;
    for (size_t i = 0; i < std::max(old_norms.size(), new_norms.size()); ++i) {
      const Normalization before = i < old_norms.size() ? old_norms[i] : Normalization();
      const Normalization after = i < new_norms.size() ? new_norms[i] : Normalization();
      if (before.mean == after.mean && before.std == after.std) continue;
      Add(Kind::kNormalization, !before.mean.empty(), "input " + std::to_string(i),
          NormalizationText(before), NormalizationText(after));
    }
  }

  void CompareLabels(const std::string& where, const std::vector<std::string>& before,
                     const std::vector<std::string>& after) {
    if (before == after) return;
    const auto count = [](const std::vector<std::string>& labels) {
      return labels.empty() ? "none" : std::to_string(labels.size()) + " labels";
    };
    if (before.size() != after.size()) {
      return Add(Kind::kLabels, !before.empty(), where, count(before), count(after));
    }
    const auto first = std::mismatch(before.begin(), before.end(), after.begin());
    const std::string number = std::to_string(first.first - before.begin());
    Add(Kind::kLabels, true, where, number + " is " + Quoted(*first.first),
        number + " is " + Quoted(*first.second));
  }

  // What the app must bring along to run the model at all.
  void CompareNeeds() {
    const auto custom = [](const Model& model) {
      std::set<std::string_view> names;
      for (const OperatorUse& use : model.operator_uses) {
        if (use.custom) names.insert(use.name);
      }
      return names;
    };
    const std::set<std::string_view> old_names = custom(before_.model);
    const std::set<std::string_view> new_names = custom(after_.model);
    for (const std::string_view name : new_names) {
      if (old_names.contains(name)) continue;
      Add(Kind::kAdded, true, "custom operator " + Quoted(name), "", Quoted(name));
    }
    for (const std::string_view name : old_names) {
      if (new_names.contains(name)) continue;
      Add(Kind::kMissing, false, "custom operator " + Quoted(name), Quoted(name), "");
    }
    if (before_.model.runtime_version != after_.model.runtime_version) {
      Add(Kind::kRuntimeVersion, false, "the oldest runtime that can run it",
          before_.model.runtime_version, after_.model.runtime_version);
    }
  }

  using Place = std::pair<uint32_t, uint32_t>;  // Graph and tensor.

  const ModelFace before_;
  const ModelFace after_;
  std::vector<ContractChange> breaking_;
  std::vector<ContractChange> harmless_;
  std::set<std::pair<Place, Place>> compared_;
};

}  // namespace

std::string_view ContractChangeName(ContractChange::Kind kind) {
  switch (kind) {
    case Kind::kMissing:
      return "missing";
    case Kind::kAdded:
      return "added";
    case Kind::kRenamed:
      return "renamed";
    case Kind::kMoved:
      return "moved";
    case Kind::kType:
      return "type";
    case Kind::kShape:
      return "shape";
    case Kind::kQuantization:
      return "quantization";
    case Kind::kLabels:
      return "labels";
    case Kind::kNormalization:
      return "normalization";
    case Kind::kRuntimeVersion:
      return "runtimeVersion";
  }
  return "unknown";
}

std::vector<ContractChange> CompareContracts(const ModelFace& before, const ModelFace& after) {
  return Comparison(before, after).Run();
}

bool Breaks(const std::vector<ContractChange>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const ContractChange& change) { return change.breaks; });
}

}  // namespace godwit::tflite
