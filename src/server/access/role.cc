#include "server/access/role.h"

namespace godwit::server {
namespace {

constexpr std::string_view kNames[] = {"viewer", "editor", "admin", "owner"};

}  // namespace

std::string_view RoleName(Role role) { return kNames[static_cast<size_t>(role)]; }

std::optional<Role> ParseRole(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

}  // namespace godwit::server
