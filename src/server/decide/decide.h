// Decide: which version of a model a device gets.
#pragma once

#include "base/result.h"
#include "protocol/model_address.h"
#include "server/registry/registry.h"

namespace godwit::server {

struct Decision {
  ModelPointer model;  // Owns version.
  const Version* version = nullptr;
};

// An exact version (`face@7`), an alias's (`face@stable`), else the published one. A model of which
// nothing is published does not exist for devices, also by exact version or alias. The address's
// name is a display name first, then a model's id. kNotFound when there is no such model or
// version.
Result<Decision> Decide(const RegistrySnapshot& registry, int64_t project_number,
                        const ModelAddress& address);

}  // namespace godwit::server
