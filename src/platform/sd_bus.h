// SdBus: the one door to libsystemd, found at run time, for most devices have it and none needs it.
#pragma once

#include <cstdint>
#include <memory>

// libsystemd's own types, which it never shows the inside of.
struct sd_bus;
struct sd_bus_error;
struct sd_bus_message;
struct sd_bus_slot;

namespace godwit {

// Each as sd-bus(3) has it. Copied freely; the library stays loaded for as long as the process.
struct SdBus {
  using Handler = int (*)(sd_bus_message*, void* user_data, sd_bus_error*);

  int (*open_system)(sd_bus**);
  sd_bus* (*close_unref)(sd_bus*);
  int (*set_method_call_timeout)(sd_bus*, uint64_t microseconds);
  int (*get_property_trivial)(sd_bus*, const char* destination, const char* path,
                              const char* interface, const char* member, sd_bus_error*, char type,
                              void* out);
  int (*get_property_string)(sd_bus*, const char* destination, const char* path,
                             const char* interface, const char* member, sd_bus_error*, char** out);
  int (*add_match)(sd_bus*, sd_bus_slot**, const char* match, Handler, void* user_data);
  int (*process)(sd_bus*, sd_bus_message**);
  int (*get_fd)(sd_bus*);
  int (*get_events)(sd_bus*);
  int (*get_timeout)(sd_bus*, uint64_t* deadline_microseconds);

  // False when there is no libsystemd, or one without these functions.
  bool Load();
};

}  // namespace godwit
