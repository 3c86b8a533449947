// The text of `godwit dev --fault`: any text is a list of faults within their limits, or an error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fault/fault_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto spec = godwit::ParseFaultSpec({reinterpret_cast<const char*>(data), size});
  if (!spec.ok()) return 0;
  if (spec->faults.size() > 16) std::abort();
  for (const godwit::Fault& fault : spec->faults) {
    const bool has_phase = fault.phases > 0 && fault.phases <= 7;
    const bool has_place = !fault.percent || *fault.percent <= 100;
    if (!has_phase || !has_place || fault.times == 0 || fault.second > 600'000) std::abort();
  }
  return 0;
}
