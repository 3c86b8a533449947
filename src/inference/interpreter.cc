#include "inference/interpreter.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "inference/binding.h"
#include "inference/delegate.h"
#include "inference/error_text.h"
#include "inference/model_bytes.h"
#include "inference/model_safety.h"
#include "inference/runtime.h"

namespace godwit {
namespace {

constexpr int kThreadsMax = 64;
constexpr size_t kDimensionsMax = 8;
constexpr uint64_t kTensorBytesMax = uint64_t{1} << 31;

class LibraryInterpreter final : public Interpreter {
 public:
  LibraryInterpreter(ModelBytes bytes, tflite::Model model, Runtime runtime)
      : bytes_(std::move(bytes)), model_(std::move(model)), runtime_(std::move(runtime)) {}
  ~LibraryInterpreter() override;

  // REQUIRES: called once, first.
  Status Start(const InterpreterOptions& options);

  std::span<const TensorInfo> inputs() const override { return binding_.input_infos(); }
  std::span<const TensorInfo> outputs() const override { return binding_.output_infos(); }
  Status Run(std::span<const std::span<const std::byte>> inputs,
             std::span<const std::span<std::byte>> outputs) override;
  std::span<const std::byte> output_data(size_t index) const override;
  Status ResizeInput(size_t index, std::span<const int32_t> shape) override;
  Status SelectSignature(std::string_view key) override;
  const tflite::Model& model() const override { return model_; }
  const tflite::ModelMetadata& metadata() const override { return metadata_; }
  Acceleration acceleration() const override { return acceleration_; }
  std::string_view runtime_version() const override { return runtime_.version; }

 private:
  bool TryRung(DelegateKind kind, int threads);
  void DropInterpreter();
  Status CopyInputs(std::span<const std::span<const std::byte>> inputs);
  Status FetchOutputs(std::span<const std::span<std::byte>> outputs);

  // Constant after Start.
  const ModelBytes bytes_;
  const tflite::Model model_;
  const Runtime runtime_;
  tflite::ModelMetadata metadata_;
  Acceleration acceleration_ = Acceleration::kNone;
  TfLiteModel* library_model_ = nullptr;
  TfLiteDelegate* delegate_ = nullptr;
  TfLiteInterpreter* interpreter_ = nullptr;

  ErrorText error_text_;  // The library writes to it during every call.
  Binding binding_;       // Of the selected signature.
};

LibraryInterpreter::~LibraryInterpreter() {
  DropInterpreter();
  if (library_model_ != nullptr) runtime_.symbols.model_delete(library_model_);
}

void LibraryInterpreter::DropInterpreter() {
  {
    const Binding dropped = std::move(binding_);
  }  // Its runner goes before the interpreter.
  if (interpreter_ != nullptr) runtime_.symbols.destroy(interpreter_);
  interpreter_ = nullptr;
  // A delegate outlives the interpreter that uses it.
  if (delegate_ != nullptr) runtime_.symbols.xnnpack_delete(delegate_);
  delegate_ = nullptr;
}

Status LibraryInterpreter::Start(const InterpreterOptions& options) {
  const std::span<const std::byte> bytes = bytes_.bytes();
  // A broken description does not keep the model from running.
  if (Result<tflite::ModelMetadata> metadata = tflite::ReadMetadata(bytes); metadata.ok()) {
    metadata_ = std::move(metadata).value();
  } else if (options.logger != nullptr) {
    options.logger->Warning("the model's metadata is not used",
                            {{"reason", metadata.status().message()}});
  }
  library_model_ = runtime_.symbols.model_create(bytes.data(), bytes.size());
  if (library_model_ == nullptr) {
    return Status(StatusCode::kInvalidArgument,
                  "TensorFlow Lite " + runtime_.version + " does not take this model");
  }
  for (const DelegateKind kind : DelegateLadder(runtime_, options.accelerate)) {
    if (!TryRung(kind, options.threads)) continue;
    const bool plain = kind == DelegateKind::kNone;
    acceleration_ = plain ? Acceleration::kNone : Acceleration::kXnnpack;
    if (options.logger != nullptr) {
      options.logger->Debug("the interpreter is ready", {{"runtime", runtime_.version},
                                                         {"kernels", plain ? "plain" : "xnnpack"}});
    }
    return SelectSignature(options.signature);
  }
  return Status(
      StatusCode::kUnimplemented,
      "TensorFlow Lite " + runtime_.version + " cannot prepare this model: " + error_text_.Take());
}

bool LibraryInterpreter::TryRung(DelegateKind kind, int threads) {
  const RuntimeSymbols& symbols = runtime_.symbols;
  error_text_.Clear();
  delegate_ = CreateDelegate(runtime_, kind, threads);
  if (delegate_ == nullptr && kind != DelegateKind::kNone) return false;
  TfLiteInterpreterOptions* const options = symbols.options_create();
  symbols.options_set_threads(options, threads);
  symbols.options_set_reporter(options, &ErrorText::Report, &error_text_);
  if (delegate_ != nullptr) symbols.options_add_delegate(options, delegate_);
  interpreter_ = symbols.create(library_model_, options);
  symbols.options_delete(options);
  if (interpreter_ != nullptr && symbols.allocate(interpreter_) == kTfLiteOk) return true;
  DropInterpreter();
  return false;
}

Status LibraryInterpreter::SelectSignature(std::string_view key) {
  error_text_.Clear();
  GODWIT_ASSIGN_OR_RETURN(binding_, Binding::Make(runtime_, interpreter_, model_, key));
  return Status::Ok();
}

Status LibraryInterpreter::Run(std::span<const std::span<const std::byte>> inputs,
                               std::span<const std::span<std::byte>> outputs) {
  GODWIT_RETURN_IF_ERROR(CopyInputs(inputs));
  if (!outputs.empty() && outputs.size() != binding_.outputs().size()) {
    return Status(StatusCode::kInvalidArgument,
                  "the model gives " + std::to_string(binding_.outputs().size()) +
                      " outputs; the call has room for " + std::to_string(outputs.size()));
  }
  error_text_.Clear();
  if (binding_.Invoke() != kTfLiteOk) {
    return Status(StatusCode::kFailedPrecondition,
                  "the model does not run on these inputs: " + error_text_.Take());
  }
  return FetchOutputs(outputs);
}

Status LibraryInterpreter::CopyInputs(std::span<const std::span<const std::byte>> inputs) {
  const std::span<TfLiteTensor* const> tensors = binding_.inputs();
  const std::span<const TensorInfo> infos = binding_.input_infos();
  if (inputs.size() != tensors.size()) {
    return Status(StatusCode::kInvalidArgument,
                  "the model takes " + std::to_string(tensors.size()) + " inputs; the call has " +
                      std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (inputs[i].size() != infos[i].size_bytes) {
      return Status(StatusCode::kInvalidArgument,
                    "input '" + infos[i].name + "' takes " + std::to_string(infos[i].size_bytes) +
                        " bytes; the call has " + std::to_string(inputs[i].size()));
    }
    if (inputs[i].empty()) continue;
    void* const data = runtime_.symbols.tensor_data(tensors[i]);
    if (data == nullptr) {
      return Status(StatusCode::kInternal, "input '" + infos[i].name + "' has no memory");
    }
    std::memcpy(data, inputs[i].data(), inputs[i].size());
  }
  return Status::Ok();
}

Status LibraryInterpreter::FetchOutputs(std::span<const std::span<std::byte>> outputs) {
  const RuntimeSymbols& symbols = runtime_.symbols;
  const std::span<const TfLiteTensor* const> tensors = binding_.outputs();
  const std::span<const TensorInfo> infos = binding_.output_infos();
  Status status;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const size_t bytes = symbols.tensor_bytes(tensors[i]);
    if (bytes != infos[i].size_bytes || !binding_.OutputHasShape(i)) {
      binding_.DescribeOutput(i);
      if (!outputs.empty() && status.ok() && outputs[i].size() != bytes) {
        status = Status(StatusCode::kFailedPrecondition,
                        "output '" + infos[i].name + "' now has " + std::to_string(bytes) +
                            " bytes and the call has room for " +
                            std::to_string(outputs[i].size()) + "; read it in place");
      }
    }
    if (outputs.empty() || !status.ok() || bytes == 0) continue;
    if (outputs[i].size() != bytes) {
      status = Status(StatusCode::kInvalidArgument,
                      "output '" + infos[i].name + "' has " + std::to_string(bytes) +
                          " bytes; the call has room for " + std::to_string(outputs[i].size()));
      continue;
    }
    std::memcpy(outputs[i].data(), symbols.tensor_data(tensors[i]), bytes);
  }
  return status;
}

std::span<const std::byte> LibraryInterpreter::output_data(size_t index) const {
  assert(index < binding_.outputs().size());
  const void* const data = runtime_.symbols.tensor_data(binding_.outputs()[index]);
  return {static_cast<const std::byte*>(data),
          data == nullptr ? 0 : binding_.output_infos()[index].size_bytes};
}

Status LibraryInterpreter::ResizeInput(size_t index, std::span<const int32_t> shape) {
  if (index >= binding_.inputs().size()) {
    return Status(StatusCode::kInvalidArgument, "there is no input " + std::to_string(index));
  }
  const TensorInfo& info = binding_.input_infos()[index];
  const uint64_t element_bytes = std::max<uint32_t>(1, tflite::TensorTypeBytes(info.type));
  uint64_t bytes = element_bytes;
  for (const int32_t size : shape) {
    // Saturates: a product of 8 sizes cannot wrap around.
    bytes = size < 1 ? kTensorBytesMax + 1
                     : std::min(bytes * static_cast<uint64_t>(size), kTensorBytesMax + 1);
  }
  if (shape.size() > kDimensionsMax || bytes > kTensorBytesMax) {
    return Status(StatusCode::kInvalidArgument,
                  "input '" + info.name +
                      "': a shape has at most 8 sizes, each at least 1, and 2 GiB of data");
  }
  const std::vector<int32_t> before = info.shape;
  error_text_.Clear();
  if (binding_.Resize(index, shape) == kTfLiteOk && binding_.Allocate() == kTfLiteOk) {
    binding_.Describe();
    return Status::Ok();
  }
  Status status(StatusCode::kInvalidArgument, "the model does not take that shape for '" +
                                                  info.name + "': " + error_text_.Take());
  if (binding_.Resize(index, before) != kTfLiteOk || binding_.Allocate() != kTfLiteOk) {
    status = Status(StatusCode::kInternal, "the model took neither the new shape nor the old one");
  }
  binding_.Describe();
  return status;
}

Result<std::unique_ptr<Interpreter>> OpenModel(ModelBytes bytes,
                                               const InterpreterOptions& options) {
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "an interpreter has 1 to " + std::to_string(kThreadsMax) + " threads");
  }
  GODWIT_ASSIGN_OR_RETURN(tflite::Model model, tflite::ReadModel(bytes.bytes()));
  GODWIT_RETURN_IF_ERROR(CheckModelSafety(model));
  GODWIT_ASSIGN_OR_RETURN(Runtime runtime,
                          Runtime::Load(DefaultRuntimeSearch(options.library_path)));
  GODWIT_RETURN_IF_ERROR(CheckRuntimeFits(model, runtime.version));
  auto interpreter =
      std::make_unique<LibraryInterpreter>(std::move(bytes), std::move(model), std::move(runtime));
  GODWIT_RETURN_IF_ERROR(interpreter->Start(options));
  return std::unique_ptr<Interpreter>(std::move(interpreter));
}

}  // namespace

Result<std::unique_ptr<Interpreter>> Interpreter::Open(const std::string& path,
                                                       const InterpreterOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(ModelBytes bytes, ModelBytes::Map(path));
  return OpenModel(std::move(bytes), options).WithContext("open model '" + path + "'");
}

Result<std::unique_ptr<Interpreter>> Interpreter::OpenBytes(std::span<const std::byte> model,
                                                            const InterpreterOptions& options) {
  return OpenModel(ModelBytes::Copy(model), options).WithContext("open model");
}

}  // namespace godwit
