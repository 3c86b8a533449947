// Role: how much of the server an account may use.
#pragma once

#include <optional>
#include <string_view>

namespace godwit::server {

// Each may do all that the ones before it may; compare them with <.
enum class Role {
  kViewer,  // Reads models and files of its project.
  kEditor,  // Also uploads, publishes and deletes them.
  kAdmin,   // Also apps, API keys and accounts of its project.
  kOwner,   // Everything, in every project; makes and deletes projects.
};

// "viewer", "editor", "admin", "owner".
std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

}  // namespace godwit::server
