// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace godwit {

// The length of the well-formed sequence that starts the text; 0 when none does.
size_t Utf8SequenceLength(std::string_view text);

// Whether the whole text is well-formed.
bool IsUtf8(std::string_view text);

// The same without ASCII's control characters: what a person may be shown.
bool IsPrintableUtf8(std::string_view text);

}  // namespace godwit
