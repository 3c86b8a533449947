// From our Status to the numbers and the buffer of the C face.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "godwit/status.h"

namespace godwit::capi {

// Fills error, unless it is NULL, and returns the status's number.
godwit_status Report(const Status& status, godwit_error* error);

// Copies text and a zero into a buffer of size bytes; cut at a character's boundary.
void CutText(std::string_view text, char* out, size_t size_max);

// A copy for the caller, made by malloc; NULL when memory ran out.
char* CopyText(std::string_view text);

}  // namespace godwit::capi
