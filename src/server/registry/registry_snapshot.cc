#include "server/registry/registry_snapshot.h"

namespace godwit::server {
namespace {

template <typename Order>
void Replace(const ModelPointer& before, const ModelPointer& after, ModelIndex<Order>* index) {
  if (before) index->Erase(Order::KeyOf(*before));
  if (after) index->Insert(after);
}

}  // namespace

std::shared_ptr<const RegistrySnapshot> RegistrySnapshot::With(const ModelPointer& before,
                                                               const ModelPointer& after) const {
  auto next = std::make_shared<RegistrySnapshot>(*this);
  Replace(before, after, &next->by_id_);
  Replace(before, after, &next->by_name_);
  Replace(before, after, &next->by_age_);
  return next;
}

}  // namespace godwit::server
