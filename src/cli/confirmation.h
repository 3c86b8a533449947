// Asking a person before something is lost.
#pragma once

#include <string>

#include "cli/commands.h"

namespace godwit::cli {

// Asks on the terminal to type `name`. what: what is lost, as in "'face' and all its versions".
// kFailedPrecondition, naming --yes, where there is no terminal; kCancelled for another answer.
Status ConfirmDeletion(Context& context, const std::string& name, const std::string& what);

}  // namespace godwit::cli
