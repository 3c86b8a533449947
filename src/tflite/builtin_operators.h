// The operators that TensorFlow Lite itself defines, by their number in a model file.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::tflite {

constexpr int32_t kFullyConnectedOperator = 9;
constexpr int32_t kSvdfOperator = 27;
constexpr int32_t kCustomOperator = 32;  // Its name is in the model file.

// "CONV_2D", …; "operator 999" for one that is newer than this list.
std::string BuiltinOperatorName(int32_t builtin_code);

}  // namespace godwit::tflite
