// The hosts that Firebase's clients call for what Godwit offers.
#pragma once

#include <span>
#include <string_view>

namespace godwit {

// A closed list, lower case, sorted. All of them speak HTTPS on port 443.
std::span<const std::string_view> FirebaseHosts();

// REQUIRES: host is lower case.
bool IsFirebaseHost(std::string_view host);

}  // namespace godwit
