// DiffReport: how `godwit model diff` tells a person or a program what changed.
#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/model_file.h"
#include "tflite/model_contract.h"
#include "tflite/model_diff.h"

namespace godwit::cli {

struct DiffSide {
  std::string name;  // "face@3" or a path: as the user gave it.
  ModelFile opened;
  tflite::ModelMetadata metadata;
  std::string metadata_fault;  // Why there is none although the file has some.
};

// Borrows all of it.
struct DiffFindings {
  const DiffSide& before;
  const DiffSide& after;
  const tflite::ModelDiff& diff;
  const std::vector<tflite::ContractChange>& contract;
};

enum class TensorList { kLargest, kAll };

// The verdict first, then what changed, the largest first.
void PrintDiff(Console& console, const DiffFindings& findings, TensorList tensors);

// The tensors are in it with TensorList::kAll only.
Json DiffJson(const DiffFindings& findings, TensorList tensors);

// "input 0 'image': shape [1, 8] -> [1, 9]".
std::string ContractLine(const tflite::ContractChange& change);

}  // namespace godwit::cli
