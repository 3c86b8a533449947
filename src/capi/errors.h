// From our Status to the numbers and the buffer of the C face.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "godwit/status.h"

namespace godwit::capi {

// Fills error, unless it is NULL, and returns the status's number.
godwit_status Report(const Status& status, godwit_error* error);

// A copy for the caller, made by malloc; NULL when memory ran out.
char* CopyText(std::string_view text);

}  // namespace godwit::capi
