// Any bytes are a model or an error, within time and memory in proportion to their number.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tflite/model_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  (void)godwit::tflite::ReadModel(bytes).ok();
  (void)godwit::tflite::ReadMetadata(bytes).ok();
  return 0;
}
