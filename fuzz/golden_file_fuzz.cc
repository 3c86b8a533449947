// Golden inputs: a server stores what anybody with an upload key sends, a device reads them.
#include <cstdint>
#include <cstdlib>

#include "tflite/golden_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  const auto cases = godwit::tflite::ParseGoldenFile(std::as_bytes(bytes));
  if (!cases.ok()) return 0;
  // There is one way to write down what was read.
  const std::string again = godwit::tflite::EncodeGoldenFile(*cases);
  if (again != std::string(reinterpret_cast<const char*>(data), size)) abort();
  return 0;
}
