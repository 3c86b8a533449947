// Any two models can be compared, within time and memory in proportion to their sizes. The input
// is the first one's length (4 bytes, little-endian), the first, and the second.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tflite/model_contract.h"
#include "tflite/model_diff.h"

namespace tflite = godwit::tflite;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t first_bytes = 0;
  if (size < sizeof first_bytes) return 0;
  std::memcpy(&first_bytes, data, sizeof first_bytes);
  const auto rest = std::as_bytes(std::span(data, size).subspan(sizeof first_bytes));
  const auto old_bytes = rest.first(std::min<size_t>(first_bytes, rest.size()));
  const auto new_bytes = rest.subspan(old_bytes.size());
  const auto before = tflite::ReadModel(old_bytes);
  const auto after = tflite::ReadModel(new_bytes);
  if (!before.ok() || !after.ok()) return 0;
  const auto diff = tflite::CompareModels({*before, old_bytes}, {*after, new_bytes});
  if (diff.ok()) (void)tflite::SumTensorChanges(*diff);
  const auto old_metadata = tflite::ReadMetadata(old_bytes);
  const auto new_metadata = tflite::ReadMetadata(new_bytes);
  const tflite::ModelMetadata none;
  (void)tflite::Breaks(
      tflite::CompareContracts({*before, old_metadata.ok() ? *old_metadata : none},
                               {*after, new_metadata.ok() ? *new_metadata : none}));
  return 0;
}
