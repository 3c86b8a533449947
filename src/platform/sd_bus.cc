#include "platform/sd_bus.h"

#include <dlfcn.h>

namespace godwit {
namespace {

template <typename Function>
bool Find(void* library, const char* name, Function& out) {
  out = reinterpret_cast<Function>(::dlsym(library, name));
  return out != nullptr;
}

}  // namespace

bool SdBus::Load() {
  void* const library = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  return library != nullptr &&  //
         Find(library, "sd_bus_open_system", open_system) &&
         Find(library, "sd_bus_close_unref", close_unref) &&
         Find(library, "sd_bus_set_method_call_timeout", set_method_call_timeout) &&
         Find(library, "sd_bus_get_property_trivial", get_property_trivial) &&
         Find(library, "sd_bus_get_property_string", get_property_string) &&
         Find(library, "sd_bus_add_match", add_match) &&
         Find(library, "sd_bus_process", process) &&  //
         Find(library, "sd_bus_get_fd", get_fd) && Find(library, "sd_bus_get_events", get_events) &&
         Find(library, "sd_bus_get_timeout", get_timeout);
}

}  // namespace godwit
