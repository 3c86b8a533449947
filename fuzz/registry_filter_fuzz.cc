// models.list's filter: any text is a filter or an error, and a filter can be asked.
#include <cstddef>
#include <cstdint>

#include "server/registry/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  godwit::server::Model model;
  model.display_name = "face";
  model.tags = {"a", "b"};
  const auto filter = godwit::server::Filter::Parse({reinterpret_cast<const char*>(data), size});
  if (filter.ok()) static_cast<void>((*filter)->Matches(model));
  return 0;
}
