#include "proxy/firebase_hosts.h"

#include <algorithm>
#include <array>

namespace godwit {
namespace {

constexpr auto kHosts = std::to_array<std::string_view>({
    "apikeys.googleapis.com", "cloudresourcemanager.googleapis.com", "firebase.googleapis.com",
    "firebaseinstallations.googleapis.com", "firebaseml.googleapis.com",
    "firebaseremoteconfig.googleapis.com", "firebaseremoteconfigrealtime.googleapis.com",
    "iam.googleapis.com",
    // Google's libraries ask it for a service account's locations, and bear a 404.
    "iamcredentials.googleapis.com", "oauth2.googleapis.com", "storage.googleapis.com",
    "www.googleapis.com",  // The older token endpoint.
});
static_assert(std::ranges::is_sorted(kHosts));

}  // namespace

std::span<const std::string_view> FirebaseHosts() { return kHosts; }

bool IsFirebaseHost(std::string_view host) { return std::ranges::binary_search(kHosts, host); }

}  // namespace godwit
