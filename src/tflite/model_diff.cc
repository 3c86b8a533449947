#include "tflite/model_diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace godwit::tflite {
namespace {

// Graphs may share constants, so some bytes are compared more than once; real models stay below
// 2 times their size.
constexpr uint64_t kBudgetFactor = 16;

// Names that converters number through a whole model: equal ones mean nothing.
bool IsNumberedName(std::string_view name) {
  return name.empty() || name.starts_with("arith.constant") || name.starts_with("tfl.pseudo_");
}

std::map<std::pair<std::string_view, bool>, OperatorUse> SumByName(const Model& model) {
  std::map<std::pair<std::string_view, bool>, OperatorUse> uses;
  for (const OperatorUse& use : model.operator_uses) {
    OperatorUse& sum = uses[{use.name, use.custom}];
    sum.count += use.count;
    sum.version = std::max(sum.version, use.version);
  }
  return uses;
}

std::vector<OperatorChange> CompareOperators(const Model& before, const Model& after) {
  const auto old_uses = SumByName(before);
  const auto new_uses = SumByName(after);
  std::set<std::pair<std::string_view, bool>> keys;
  for (const auto& [key, use] : old_uses) keys.insert(key);
  for (const auto& [key, use] : new_uses) keys.insert(key);
  std::vector<OperatorChange> changes;
  for (const auto& key : keys) {
    OperatorChange change;
    change.name = key.first;
    change.custom = key.second;
    if (const auto found = old_uses.find(key); found != old_uses.end()) {
      change.count_before = found->second.count;
      change.version_before = found->second.version;
    }
    if (const auto found = new_uses.find(key); found != new_uses.end()) {
      change.count_after = found->second.count;
      change.version_after = found->second.version;
    }
    if (change.count_before == change.count_after &&
        change.version_before == change.version_after) {
      continue;
    }
    changes.push_back(std::move(change));
  }
  const auto rank = [](const OperatorChange& change) {
    return std::tuple(!change.custom, change.count_before != 0, change.count_after != 0,
                      std::string_view(change.name));
  };
  std::sort(changes.begin(), changes.end(),
            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return changes;
}

SubgraphSize SizeOf(const Subgraph& graph) {
  SubgraphSize size{graph.operators.size(), graph.tensors.size(), 0};
  std::set<uint32_t> buffers;
  for (const Tensor& tensor : graph.tensors) {
    if (buffers.insert(tensor.buffer_index).second) size.constant_bytes += tensor.buffer_bytes;
  }
  return size;
}

// Pairs the tensors of one graph; each tensor is in at most one pair.
class Pairing {
 public:
  Pairing(const std::vector<Tensor>& before, const std::vector<Tensor>& after)
      : before_(before), after_(after), taken_(before.size()), partner_(after.size(), -1) {
    Round([](const Tensor& t) { return Key(t.name, t.type, t.shape, t.buffer_bytes > 0); });
    Round([](const Tensor& t) {
      if (IsNumberedName(t.name)) return Key();
      return Key(t.name, TensorType::kFloat32, {}, true);
    });
    Round([](const Tensor& t) { return Key("", t.type, t.shape, t.buffer_bytes > 0); });
  }

  // Index before of the tensor after, or -1.
  int32_t PartnerOf(size_t after) const { return partner_[after]; }
  bool HasPartner(size_t before) const { return taken_[before]; }

 private:
  struct Key {
    Key() = default;
    Key(std::string_view n, TensorType t, std::vector<int32_t> s, bool c)
        : used(true), name(n), type(t), shape(std::move(s)), constant(c) {}
    auto operator<=>(const Key&) const = default;

    bool used = false;  // False: leave the tensor to the next round.
    std::string_view name;
    TensorType type = TensorType::kFloat32;
    std::vector<int32_t> shape;
    bool constant = false;
  };

  // Of those that are left, the first with a key becomes the partner of the first with it, …
  template <typename KeyOf>
  void Round(KeyOf key_of) {
    struct Queue {
      std::vector<size_t> indices;
      size_t next = 0;
    };
    std::map<Key, Queue> left;
    for (size_t i = 0; i < before_.size(); ++i) {
      if (taken_[i]) continue;
      if (Key key = key_of(before_[i]); key.used) left[std::move(key)].indices.push_back(i);
    }
    for (size_t i = 0; i < after_.size() && !left.empty(); ++i) {
      if (partner_[i] >= 0) continue;
      const Key key = key_of(after_[i]);
      const auto found = key.used ? left.find(key) : left.end();
      if (found == left.end() || found->second.next == found->second.indices.size()) continue;
      const size_t partner = found->second.indices[found->second.next++];
      partner_[i] = static_cast<int32_t>(partner);
      taken_[partner] = true;
    }
  }

  const std::vector<Tensor>& before_;
  const std::vector<Tensor>& after_;
  std::vector<bool> taken_;
  std::vector<int32_t> partner_;
};

class TensorComparison {
 public:
  TensorComparison(const ModelBytes& before, const ModelBytes& after)
      : before_(before),
        after_(after),
        budget_((before.bytes.size() + after.bytes.size()) * kBudgetFactor) {}

  Result<std::vector<TensorChange>> Run() {
    const size_t graphs = std::max(before_.model.subgraphs.size(), after_.model.subgraphs.size());
    for (size_t i = 0; i < graphs; ++i) GODWIT_RETURN_IF_ERROR(CompareGraph(i));
    return std::move(changes_);
  }

 private:
  Status CompareGraph(size_t graph) {
    static const std::vector<Tensor> kNone;
    const auto tensors = [&](const Model& model) -> const std::vector<Tensor>& {
      return graph < model.subgraphs.size() ? model.subgraphs[graph].tensors : kNone;
    };
    const std::vector<Tensor>& before = tensors(before_.model);
    const std::vector<Tensor>& after = tensors(after_.model);
    const Pairing pairing(before, after);
    TensorChange change;
    change.subgraph = static_cast<uint32_t>(graph);
    for (size_t i = 0; i < after.size(); ++i) {
      change.before = pairing.PartnerOf(i);
      change.after = static_cast<int32_t>(i);
      if (change.before < 0) {
        changes_.push_back(change);
        changes_.back().bytes_after = after[i].buffer_bytes;
        continue;
      }
      GODWIT_RETURN_IF_ERROR(
          ComparePair(change, before[static_cast<size_t>(change.before)], after[i]));
    }
    change.after = -1;
    for (size_t i = 0; i < before.size(); ++i) {
      if (pairing.HasPartner(i)) continue;
      change.before = static_cast<int32_t>(i);
      changes_.push_back(change);
      changes_.back().bytes_before = before[i].buffer_bytes;
    }
    return Status::Ok();
  }

  Status ComparePair(TensorChange change, const Tensor& before, const Tensor& after) {
    change.name = before.name != after.name;
    change.type = before.type != after.type;
    change.shape = ShapeOf(before) != ShapeOf(after) || before.shape != after.shape;
    change.quantization =
        before.quantization.scale != after.quantization.scale ||
        before.quantization.zero_point != after.quantization.zero_point ||
        before.quantization.quantized_dimension != after.quantization.quantized_dimension;
    change.bytes_before = before.buffer_bytes;
    change.bytes_after = after.buffer_bytes;
    if (before.buffer_bytes == after.buffer_bytes) {
      GODWIT_ASSIGN_OR_RETURN(change.bytes_changed, CountChangedBytes(before, after));
    }
    change.data = change.bytes_changed != 0;
    if (change.name || change.type || change.shape || change.quantization || change.data) {
      changes_.push_back(change);
    }
    return Status::Ok();
  }

  // REQUIRES: as many bytes in both.
  Result<uint64_t> CountChangedBytes(const Tensor& before, const Tensor& after) {
    const auto [known, is_new] = counted_.try_emplace({before.buffer_index, after.buffer_index}, 0);
    if (!is_new) return known->second;
    if (before.buffer_bytes > budget_) {
      return Status(StatusCode::kInvalidArgument,
                    "the models' tensors share their data so often that they cannot be honest "
                    "files, so they were not compared");
    }
    budget_ -= before.buffer_bytes;
    const auto old_bytes = before_.bytes.subspan(before.buffer_offset, before.buffer_bytes);
    const auto new_bytes = after_.bytes.subspan(after.buffer_offset, after.buffer_bytes);
    uint64_t count = 0;
    for (size_t i = 0; i < old_bytes.size(); ++i) count += old_bytes[i] != new_bytes[i] ? 1 : 0;
    return known->second = count;
  }

  const ModelBytes before_;
  const ModelBytes after_;
  uint64_t budget_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> counted_;  // By the two buffers.
  std::vector<TensorChange> changes_;
};

}  // namespace

TensorTotals SumTensorChanges(const ModelDiff& diff) {
  TensorTotals totals;
  for (const TensorChange& change : diff.tensors) {
    if (change.before < 0) {
      ++totals.added;
      continue;
    }
    if (change.after < 0) {
      ++totals.removed;
      continue;
    }
    totals.renamed += change.name ? 1 : 0;
    totals.type_changed += change.type ? 1 : 0;
    totals.shape_changed += change.shape ? 1 : 0;
    totals.quantization_changed += change.quantization ? 1 : 0;
    totals.data_changed += change.data ? 1 : 0;
    totals.bytes_changed += change.bytes_changed.value_or(0);
  }
  return totals;
}

Result<ModelDiff> CompareModels(const ModelBytes& before, const ModelBytes& after) {
  ModelDiff diff;
  diff.same_file =
      std::equal(before.bytes.begin(), before.bytes.end(), after.bytes.begin(), after.bytes.end());
  diff.operators = CompareOperators(before.model, after.model);
  for (const Subgraph& graph : before.model.subgraphs) diff.sizes_before.push_back(SizeOf(graph));
  for (const Subgraph& graph : after.model.subgraphs) diff.sizes_after.push_back(SizeOf(graph));
  GODWIT_ASSIGN_OR_RETURN(diff.tensors, TensorComparison(before, after).Run());
  return diff;
}

}  // namespace godwit::tflite
