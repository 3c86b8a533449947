// Binding: which tensors of the library's interpreter a signature's inputs and outputs are.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/interpreter.h"
#include "inference/runtime.h"

namespace godwit {

// Owns its runner. Borrows the runtime and the interpreter, which must outlive it. Moves.
class Binding {
 public:
  Binding() = default;
  Binding(Binding&& other) noexcept { *this = std::move(other); }
  Binding& operator=(Binding&& other) noexcept;
  ~Binding();

  // The primary inputs and outputs (empty key) or a signature's. Works without the library's
  // help for a signature of the first graph; kUnimplemented where another graph needs a runner
  // that the library lacks. kNotFound when the model has no such signature.
  static Result<Binding> Make(const Runtime& runtime, TfLiteInterpreter* interpreter,
                              const tflite::Model& model, std::string_view key);

  // Allocates, invokes, resizes what is bound; answers as the library does.
  int Allocate();
  int Invoke() { return runner_ == nullptr ? symbols_->invoke(interpreter_) : InvokeRunner(); }
  int Resize(size_t input, std::span<const int32_t> shape);

  // Reads types, shapes and sizes anew.
  void Describe();
  void DescribeOutput(size_t index);
  // Whether the shape is still the one described.
  bool OutputHasShape(size_t index) const;

  std::span<TfLiteTensor* const> inputs() const { return inputs_; }
  std::span<const TfLiteTensor* const> outputs() const { return outputs_; }
  std::span<const TensorInfo> input_infos() const { return input_infos_; }
  std::span<const TensorInfo> output_infos() const { return output_infos_; }

 private:
  Binding(const Runtime& runtime, TfLiteInterpreter* interpreter)
      : symbols_(&runtime.symbols), interpreter_(interpreter) {}
  Status BindPrimary();
  Status BindSignature(const tflite::Subgraph& graph, const tflite::Signature& signature);
  Status BindRunner(const tflite::Signature& signature);
  void NameAs(const tflite::Signature& signature);
  int InvokeRunner() { return symbols_->runner_invoke(runner_); }

  const RuntimeSymbols* symbols_ = nullptr;
  TfLiteInterpreter* interpreter_ = nullptr;
  TfLiteSignatureRunner* runner_ = nullptr;  // nullptr for the first graph.
  std::vector<TfLiteTensor*> inputs_;
  std::vector<const TfLiteTensor*> outputs_;
  std::vector<int32_t> input_places_;  // Among the primary inputs; empty with a runner.
  std::vector<TensorInfo> input_infos_;
  std::vector<TensorInfo> output_infos_;
};

}  // namespace godwit
