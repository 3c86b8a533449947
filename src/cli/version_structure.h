// What the server tells of a version's structure, as far as apps depend on it.
#pragma once

#include <string>
#include <vector>

#include "protocol/json.h"

namespace godwit::cli {

// Each change that breaks an app which was written for the version `before`, as a line. Both are
// Version resources, so no file is downloaded; quantisation, labels and what signatures' tensors
// are like are not in them.
std::vector<std::string> BreakingChanges(const Json& before, const Json& after);

}  // namespace godwit::cli
