// Models that pass every check of the interpreter library and then break it.
#pragma once

#include "base/status.h"
#include "tflite/model_reader.h"

namespace godwit {

// kInvalidArgument for a model of a kind that is known to corrupt the library's memory.
Status CheckModelSafety(const tflite::Model& model);

}  // namespace godwit
