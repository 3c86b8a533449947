// For systems whose state only the app's own plug-in can tell.
#include "platform/platform.h"

namespace godwit {

std::unique_ptr<Platform> NewSystemPlatform() { return std::make_unique<UnknownPlatform>(); }

}  // namespace godwit
