// Where this library and this program lie.
#pragma once

#include <string>
#include <vector>

namespace godwit {

// The folder of the library or program that holds this code, then that of the program; without
// those that the system does not tell.
std::vector<std::string> OwnFolders();

}  // namespace godwit
