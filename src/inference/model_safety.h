// Models that pass every check of the interpreter library and then break it.
#pragma once

#include <string_view>

#include "base/status.h"
#include "tflite/model_reader.h"

namespace godwit {

// kInvalidArgument for a model of a kind that is known to corrupt the library's memory.
Status CheckModelSafety(const tflite::Model& model);

// kUnimplemented for a model that a library of this version ("2.9.0") runs without complaint
// and with wrong results.
Status CheckRuntimeFits(const tflite::Model& model, std::string_view version);

}  // namespace godwit
