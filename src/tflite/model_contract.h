// What an app relies on when it runs a model, and which changes between two models break it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tflite/model_reader.h"

namespace godwit::tflite {

// A model as an app meets it. Borrows both.
struct ModelFace {
  const Model& model;
  const ModelMetadata& metadata;
};

struct ContractChange {
  enum class Kind {
    kMissing,
    kAdded,
    kRenamed,  // Same place, another name.
    kMoved,    // Same name, another place.
    kType,
    kShape,
    kQuantization,
    kLabels,
    kNormalization,
    kRuntimeVersion,
  };
  Kind kind = Kind::kMissing;
  bool breaks = false;  // An app written for the model before fails, or gets wrong numbers.
  std::string where;    // "input 0 'image'", "signature 'encode', output 'y'".
  std::string before;   // "[1, 8, 8, 1]"; empty for what is added.
  std::string after;    // Empty for what is missing.
};

// "missing", "shape" and so on.
std::string_view ContractChangeName(ContractChange::Kind kind);

// Looks at the first graph's inputs and outputs by index and by name, at the signatures, at labels
// and normalisation, and at what the interpreter must bring along (custom operators, its version).
// Breaking changes come first; within each half the order is that of the model. A fixed size that
// becomes dynamic, a further output, signature or label list, and a newer runtime break no app.
std::vector<ContractChange> CompareContracts(const ModelFace& before, const ModelFace& after);

bool Breaks(const std::vector<ContractChange>& changes);

}  // namespace godwit::tflite
