// Our own declarations of the TensorFlow Lite C API as its shared libraries export it. These
// signatures have been the same since TensorFlow Lite 2.2 (2020); what came later is optional.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace godwit {

// Opaque: they are only handed back to the library that made them.
struct TfLiteModel;
struct TfLiteInterpreter;
struct TfLiteInterpreterOptions;
struct TfLiteTensor;
struct TfLiteDelegate;
struct TfLiteSignatureRunner;

// By value in one register; float scale, then int32.
struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

using TfLiteErrorReporter = void (*)(void* user_data, const char* format, va_list arguments);
constexpr int kTfLiteOk = 0;  // Every other status is a failure.

// X(member, symbol's name, result, arguments): a capability group each.

// Without one of these a library is refused.
#define GODWIT_TFLITE_REQUIRED(X)                                                               \
  X(version, TfLiteVersion, const char*, (void))                                                \
  X(model_create, TfLiteModelCreate, TfLiteModel*, (const void*, size_t))                       \
  X(model_delete, TfLiteModelDelete, void, (TfLiteModel*))                                      \
  X(options_create, TfLiteInterpreterOptionsCreate, TfLiteInterpreterOptions*, (void))          \
  X(options_delete, TfLiteInterpreterOptionsDelete, void, (TfLiteInterpreterOptions*))          \
  X(options_set_threads, TfLiteInterpreterOptionsSetNumThreads, void,                           \
    (TfLiteInterpreterOptions*, int32_t))                                                       \
  X(options_set_reporter, TfLiteInterpreterOptionsSetErrorReporter, void,                       \
    (TfLiteInterpreterOptions*, TfLiteErrorReporter, void*))                                    \
  X(options_add_delegate, TfLiteInterpreterOptionsAddDelegate, void,                            \
    (TfLiteInterpreterOptions*, TfLiteDelegate*))                                               \
  X(create, TfLiteInterpreterCreate, TfLiteInterpreter*,                                        \
    (const TfLiteModel*, const TfLiteInterpreterOptions*))                                      \
  X(destroy, TfLiteInterpreterDelete, void, (TfLiteInterpreter*))                               \
  X(resize_input, TfLiteInterpreterResizeInputTensor, int,                                      \
    (TfLiteInterpreter*, int32_t, const int*, int32_t))                                         \
  X(allocate, TfLiteInterpreterAllocateTensors, int, (TfLiteInterpreter*))                      \
  X(invoke, TfLiteInterpreterInvoke, int, (TfLiteInterpreter*))                                 \
  X(input_count, TfLiteInterpreterGetInputTensorCount, int32_t, (const TfLiteInterpreter*))     \
  X(output_count, TfLiteInterpreterGetOutputTensorCount, int32_t, (const TfLiteInterpreter*))   \
  X(input, TfLiteInterpreterGetInputTensor, TfLiteTensor*, (const TfLiteInterpreter*, int32_t)) \
  X(output, TfLiteInterpreterGetOutputTensor, const TfLiteTensor*,                              \
    (const TfLiteInterpreter*, int32_t))                                                        \
  X(tensor_type, TfLiteTensorType, int, (const TfLiteTensor*))                                  \
  X(tensor_dimensions, TfLiteTensorNumDims, int32_t, (const TfLiteTensor*))                     \
  X(tensor_dimension, TfLiteTensorDim, int32_t, (const TfLiteTensor*, int32_t))                 \
  X(tensor_bytes, TfLiteTensorByteSize, size_t, (const TfLiteTensor*))                          \
  X(tensor_data, TfLiteTensorData, void*, (const TfLiteTensor*))                                \
  X(tensor_name, TfLiteTensorName, const char*, (const TfLiteTensor*))                          \
  X(tensor_quantization, TfLiteTensorQuantizationParams, TfLiteQuantizationParams,              \
    (const TfLiteTensor*))

// Fast kernels. The options struct changes from version to version; see delegate.cc.
#define GODWIT_TFLITE_XNNPACK(X)                                                 \
  X(xnnpack_create, TfLiteXNNPackDelegateCreate, TfLiteDelegate*, (const void*)) \
  X(xnnpack_delete, TfLiteXNNPackDelegateDelete, void, (TfLiteDelegate*))

// Lets a delegate's options be copied whatever their layout.
#define GODWIT_TFLITE_XNNPACK_OPTIONS(X) \
  X(xnnpack_options, TfLiteXNNPackDelegateGetOptions, const void*, (TfLiteDelegate*))

// Signatures of graphs other than the first.
#define GODWIT_TFLITE_SIGNATURES(X)                                                       \
  X(runner_create, TfLiteInterpreterGetSignatureRunner, TfLiteSignatureRunner*,           \
    (const TfLiteInterpreter*, const char*))                                              \
  X(runner_delete, TfLiteSignatureRunnerDelete, void, (TfLiteSignatureRunner*))           \
  X(runner_input, TfLiteSignatureRunnerGetInputTensor, TfLiteTensor*,                     \
    (TfLiteSignatureRunner*, const char*))                                                \
  X(runner_output, TfLiteSignatureRunnerGetOutputTensor, const TfLiteTensor*,             \
    (const TfLiteSignatureRunner*, const char*))                                          \
  X(runner_resize, TfLiteSignatureRunnerResizeInputTensor, int,                           \
    (TfLiteSignatureRunner*, const char*, const int*, int32_t))                           \
  X(runner_allocate, TfLiteSignatureRunnerAllocateTensors, int, (TfLiteSignatureRunner*)) \
  X(runner_invoke, TfLiteSignatureRunnerInvoke, int, (TfLiteSignatureRunner*))

// Keeps the library from telling standard error what it does. Not part of its C API, so only
// some libraries have it.
#define GODWIT_TFLITE_LOGGING(X)                                                               \
  X(set_log_severity,                                                                          \
    _ZN6tflite16logging_internal13MinimalLogger21SetMinimumLogSeverityENS_11LogSeverityE, int, \
    (int))

// The functions of one loaded library. A value type; valid until the process ends.
struct RuntimeSymbols {
#define GODWIT_DECLARE(member, symbol, result, arguments) result(*member) arguments = nullptr;
  GODWIT_TFLITE_REQUIRED(GODWIT_DECLARE)
  GODWIT_TFLITE_XNNPACK(GODWIT_DECLARE)
  GODWIT_TFLITE_XNNPACK_OPTIONS(GODWIT_DECLARE)
  GODWIT_TFLITE_SIGNATURES(GODWIT_DECLARE)
  GODWIT_TFLITE_LOGGING(GODWIT_DECLARE)
#undef GODWIT_DECLARE

  bool has_xnnpack() const { return xnnpack_create != nullptr && xnnpack_delete != nullptr; }
  bool has_signatures() const {
    return runner_create != nullptr && runner_delete != nullptr && runner_input != nullptr &&
           runner_output != nullptr && runner_resize != nullptr && runner_allocate != nullptr &&
           runner_invoke != nullptr;
  }
};

}  // namespace godwit
