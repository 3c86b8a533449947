// Comparisons of header names and of values in lists, as RFC 9110 wants them.
#pragma once

#include <string_view>

namespace godwit::server {

// ASCII only; allocates nothing.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// Without blanks at both ends.
std::string_view TrimBlanks(std::string_view text);

}  // namespace godwit::server
