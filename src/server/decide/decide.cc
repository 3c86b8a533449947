#include "server/decide/decide.h"

namespace godwit::server {

Result<Decision> Decide(const RegistrySnapshot& registry, int64_t project_number,
                        const ModelAddress& address) {
  ModelPointer model = registry.FindByName(project_number, address.name);
  if (!model) model = registry.FindById(project_number, address.name);
  const auto not_found = [&](std::string_view why) {
    return Status(StatusCode::kNotFound, "model '" + address.ToString() + "': " + std::string(why));
  };
  if (!model) return not_found("there is no such model; look for a typing error in its name");
  if (model->published == 0) {
    return not_found("nothing of it is published; publish a version first");
  }
  int64_t number = address.version != 0 ? address.version : model->published;
  if (!address.alias.empty()) {
    const Alias* alias = model->FindAlias(address.alias);
    if (alias == nullptr) return not_found("the model has no such alias");
    number = alias->version;
  }
  const Version* version = model->FindVersion(number);
  if (version == nullptr) return not_found("the model has no such version (any more)");
  return Decision{std::move(model), version};
}

}  // namespace godwit::server
