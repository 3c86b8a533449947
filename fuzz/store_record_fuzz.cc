// The files of the device's store: a disk may hold anything in them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "device/store_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto record = godwit::ParseModelRecord(bytes);
  if (record.ok()) {
    // What was accepted must come back the same, or a rewrite would change a model.
    const auto again = godwit::ParseModelRecord(godwit::EncodeModelRecord(*record));
    if (!again.ok() || *again != *record) abort();
  }
  if (const auto trial = godwit::ParseTrial(bytes); trial.ok()) {
    if (godwit::ParseTrial(godwit::EncodeTrial(*trial)).value() != *trial) abort();
  }
  (void)godwit::ParseInstallation(bytes);
  (void)godwit::ParseStoreMarker(bytes);
  return 0;
}
