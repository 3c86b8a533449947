// Interpreter: runs one TensorFlow Lite model through an interpreter library that is found and
// loaded at run time (see runtime.h). No header of that library is needed to build or to use it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "tflite/model_reader.h"

namespace godwit {

struct InterpreterOptions {
  std::string library_path;  // Empty: searched for, see Runtime::Load.
  int threads = 1;           // For one Run. 1 to 64.
  bool accelerate = true;    // False: the library's plain kernels only.
  std::string signature;     // Empty: the model's primary inputs and outputs.
  Logger* logger = nullptr;  // Borrowed while the interpreter lives. nullptr: silent.
};

// Which kernels do the work; the first that the library can create for the model is taken.
enum class Acceleration { kNone, kXnnpack };

// One input or output as the next Run takes or gives it.
struct TensorInfo {
  std::string name;  // The signature's name for it where a signature is selected.
  tflite::TensorType type = tflite::TensorType::kFloat32;
  std::vector<int32_t> shape;
  size_t size_bytes = 0;
  float scale = 0;  // 0: not quantised. real = scale * (stored - zero_point).
  int32_t zero_point = 0;
};

// Not thread-safe: one thread at a time; several interpreters run side by side. Blocks for the
// time of the work. The model's bytes stay mapped while it lives.
class Interpreter {
 public:
  // kRuntimeMissing when no interpreter library is found (the message says how to get one);
  // kNotFound or kIo when the file cannot be read; kInvalidArgument when it is no valid model,
  // or one of a kind that is known to crash the library; kUnimplemented when the library has
  // no kernel for one of its operators.
  static Result<std::unique_ptr<Interpreter>> Open(const std::string& path,
                                                   const InterpreterOptions& options = {});
  // The same for bytes in memory, which are copied.
  static Result<std::unique_ptr<Interpreter>> OpenBytes(std::span<const std::byte> model,
                                                        const InterpreterOptions& options = {});

  virtual ~Interpreter() = default;

  virtual std::span<const TensorInfo> inputs() const = 0;
  // Sizes that the model only knows after a run are as of the last one.
  virtual std::span<const TensorInfo> outputs() const = 0;

  // Runs once. inputs: the bytes of every input, in order, each exactly its size_bytes.
  // outputs: empty, or a buffer of exactly size_bytes for every output; on failure they may
  // hold anything. Allocates nothing. kInvalidArgument for a wrong count or size;
  // kFailedPrecondition when an output's size changed in this very run: outputs() then has
  // the new size and output_data() the result.
  virtual Status Run(std::span<const std::span<const std::byte>> inputs,
                     std::span<const std::span<std::byte>> outputs) = 0;

  // The bytes of an output as the last Run left them. Borrowed until the next call.
  // REQUIRES: index < outputs().size().
  virtual std::span<const std::byte> output_data(size_t index) const = 0;

  // Gives an input another shape; every other input and output may change with it. On failure
  // the old shape stays. kInvalidArgument where the model does not allow it.
  virtual Status ResizeInput(size_t index, std::span<const int32_t> shape) = 0;

  // Turns to another signature of the model (empty: its primary inputs and outputs). The
  // state of the model's variables is kept. kNotFound when it has none of that name.
  virtual Status SelectSignature(std::string_view key) = 0;

  // What the file says of itself, signatures and all.
  virtual const tflite::Model& model() const = 0;
  // Labels and normalisation; empty where the file has none or damaged ones. They belong to
  // the primary inputs and outputs, by index.
  virtual const tflite::ModelMetadata& metadata() const = 0;

  virtual Acceleration acceleration() const = 0;
  // The version that the library tells ("2.21.0").
  virtual std::string_view runtime_version() const = 0;
};

// Per-tensor quantisation. Stores values as `info` wants them (float32, int8, uint8, int16,
// int32, …; rounded and clamped). kInvalidArgument when out is not values.size() elements
// long; kUnimplemented for a type that holds no numbers.
Status QuantizeTo(const TensorInfo& info, std::span<const float> values, std::span<std::byte> out);
// The way back: one float for each element of `stored`.
Result<std::vector<float>> Dequantize(const TensorInfo& info, std::span<const std::byte> stored);

}  // namespace godwit
