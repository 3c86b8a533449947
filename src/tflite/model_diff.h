// ModelDiff: what changed between two models: operators, tensors, weights, sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tflite/model_reader.h"

namespace godwit::tflite {

// A model and the file that it was read from. Borrows both.
struct ModelBytes {
  const Model& model;
  std::span<const std::byte> bytes;
};

struct OperatorChange {
  std::string name;
  bool custom = false;
  uint32_t count_before = 0;   // 0: new.
  uint32_t count_after = 0;    // 0: gone.
  int32_t version_before = 0;  // The highest that is used.
  int32_t version_after = 0;
};

// A tensor that is not the same in both. Tensors are paired within their graph by name, type and
// shape, then by name, then by type and shape (a converter numbers names anew as it likes).
struct TensorChange {
  uint32_t subgraph = 0;
  int32_t before = -1;  // Index in the graph; -1: added.
  int32_t after = -1;   // -1: removed.
  bool name = false;    // What differs:
  bool type = false;
  bool shape = false;
  bool quantization = false;
  bool data = false;
  uint64_t bytes_before = 0;  // Constant data.
  uint64_t bytes_after = 0;
  // Places at which the constant data differs; nothing where the lengths do.
  std::optional<uint64_t> bytes_changed;
};

struct SubgraphSize {
  uint64_t operators = 0;
  uint64_t tensors = 0;
  uint64_t constant_bytes = 0;  // Data that tensors share counts once.
};

struct ModelDiff {
  bool same_file = false;                 // Byte for byte.
  std::vector<OperatorChange> operators;  // Custom first, then new, gone and changed ones by name.
  std::vector<TensorChange> tensors;  // By graph; in the order of the model after, then removed.
  std::vector<SubgraphSize> sizes_before;
  std::vector<SubgraphSize> sizes_after;
};

// The sums over ModelDiff::tensors.
struct TensorTotals {
  uint32_t added = 0;
  uint32_t removed = 0;
  uint32_t renamed = 0;
  uint32_t type_changed = 0;
  uint32_t shape_changed = 0;
  uint32_t quantization_changed = 0;
  uint32_t data_changed = 0;
  uint64_t bytes_changed = 0;  // Of data of equal length.
};
TensorTotals SumTensorChanges(const ModelDiff& diff);

// Time and memory are linear in the files' sizes. kInvalidArgument when tensors share their data
// so often that comparing it would not be.
Result<ModelDiff> CompareModels(const ModelBytes& before, const ModelBytes& after);

}  // namespace godwit::tflite
