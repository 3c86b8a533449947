#include "inference/binding.h"

#include <algorithm>
#include <array>
#include <utility>

namespace godwit {
namespace {

using tflite::TensorType;

// The library counts types in another order than the file does.
TensorType TypeFromLibrary(int type) {
  constexpr std::array kTypes = {
      TensorType{-1},          TensorType::kFloat32, TensorType::kInt32,    TensorType::kUint8,
      TensorType::kInt64,      TensorType::kString,  TensorType::kBool,     TensorType::kInt16,
      TensorType::kComplex64,  TensorType::kInt8,    TensorType::kFloat16,  TensorType::kFloat64,
      TensorType::kComplex128, TensorType::kUint64,  TensorType::kResource, TensorType::kVariant,
      TensorType::kUint32,     TensorType::kUint16,  TensorType::kInt4,     TensorType::kBfloat16,
  };
  const auto index = static_cast<size_t>(type);
  return index < kTypes.size() ? kTypes[index] : TensorType{-1};
}

void DescribeTensor(const RuntimeSymbols& symbols, const TfLiteTensor* tensor, TensorInfo& info) {
  info.type = TypeFromLibrary(symbols.tensor_type(tensor));
  info.size_bytes = symbols.tensor_bytes(tensor);
  info.shape.resize(static_cast<size_t>(std::max(symbols.tensor_dimensions(tensor), 0)));
  for (size_t i = 0; i < info.shape.size(); ++i) {
    info.shape[i] = symbols.tensor_dimension(tensor, static_cast<int32_t>(i));
  }
  const TfLiteQuantizationParams quantization = symbols.tensor_quantization(tensor);
  info.scale = quantization.scale;
  info.zero_point = quantization.zero_point;
}

// The place of a tensor among a graph's inputs or outputs; -1 when it is none of them.
int32_t PlaceOf(const std::vector<int32_t>& tensors, uint32_t tensor) {
  const auto found = std::find(tensors.begin(), tensors.end(), static_cast<int32_t>(tensor));
  return found == tensors.end() ? -1 : static_cast<int32_t>(found - tensors.begin());
}

}  // namespace

Binding& Binding::operator=(Binding&& other) noexcept {
  std::swap(symbols_, other.symbols_);
  std::swap(interpreter_, other.interpreter_);
  std::swap(runner_, other.runner_);
  std::swap(inputs_, other.inputs_);
  std::swap(outputs_, other.outputs_);
  std::swap(input_places_, other.input_places_);
  std::swap(input_infos_, other.input_infos_);
  std::swap(output_infos_, other.output_infos_);
  return *this;
}

Binding::~Binding() {
  if (runner_ != nullptr) symbols_->runner_delete(runner_);
}

Result<Binding> Binding::Make(const Runtime& runtime, TfLiteInterpreter* interpreter,
                              const tflite::Model& model, std::string_view key) {
  Binding binding(runtime, interpreter);
  if (key.empty()) {
    GODWIT_RETURN_IF_ERROR(binding.BindPrimary());
    return binding;
  }
  const auto found =
      std::find_if(model.signatures.begin(), model.signatures.end(),
                   [&](const tflite::Signature& signature) { return signature.key == key; });
  if (found == model.signatures.end()) {
    return Status(StatusCode::kNotFound, "the model has no signature '" + std::string(key) + "'");
  }
  if (found->subgraph_index == 0) {
    GODWIT_RETURN_IF_ERROR(binding.BindSignature(model.subgraphs[0], *found));
  } else if (runtime.symbols.has_signatures()) {
    GODWIT_RETURN_IF_ERROR(binding.BindRunner(*found));
  } else {
    return Status(StatusCode::kUnimplemented,
                  "signature '" + found->key + "' has a graph of its own, which TensorFlow Lite " +
                      runtime.version + " does not reach; a newer library does");
  }
  return binding;
}

Status Binding::BindPrimary() {
  for (int32_t i = 0; i < symbols_->input_count(interpreter_); ++i) {
    inputs_.push_back(symbols_->input(interpreter_, i));
    input_places_.push_back(i);
  }
  for (int32_t i = 0; i < symbols_->output_count(interpreter_); ++i) {
    outputs_.push_back(symbols_->output(interpreter_, i));
  }
  const auto name = [&](const TfLiteTensor* tensor) {
    const char* const text = symbols_->tensor_name(tensor);
    return std::string(text == nullptr ? "" : text);
  };
  for (const TfLiteTensor* tensor : inputs_) input_infos_.emplace_back().name = name(tensor);
  for (const TfLiteTensor* tensor : outputs_) output_infos_.emplace_back().name = name(tensor);
  Describe();
  return Status::Ok();
}

void Binding::NameAs(const tflite::Signature& signature) {
  for (const auto& tensor : signature.inputs) input_infos_.emplace_back().name = tensor.name;
  for (const auto& tensor : signature.outputs) output_infos_.emplace_back().name = tensor.name;
  Describe();
}

Status Binding::BindSignature(const tflite::Subgraph& graph, const tflite::Signature& signature) {
  const auto missing = [&](const std::string& name) {
    return Status(StatusCode::kInvalidArgument, "signature '" + signature.key + "': its tensor '" +
                                                    name + "' is none that the graph offers");
  };
  for (const tflite::SignatureTensor& tensor : signature.inputs) {
    const int32_t place = PlaceOf(graph.inputs, tensor.tensor_index);
    if (place < 0) return missing(tensor.name);
    inputs_.push_back(symbols_->input(interpreter_, place));
    input_places_.push_back(place);
  }
  for (const tflite::SignatureTensor& tensor : signature.outputs) {
    const int32_t place = PlaceOf(graph.outputs, tensor.tensor_index);
    if (place < 0) return missing(tensor.name);
    outputs_.push_back(symbols_->output(interpreter_, place));
  }
  NameAs(signature);
  return Status::Ok();
}

Status Binding::BindRunner(const tflite::Signature& signature) {
  runner_ = symbols_->runner_create(interpreter_, signature.key.c_str());
  if (runner_ == nullptr || symbols_->runner_allocate(runner_) != kTfLiteOk) {
    return Status(StatusCode::kUnimplemented,
                  "TensorFlow Lite cannot prepare signature '" + signature.key + "'");
  }
  for (const tflite::SignatureTensor& tensor : signature.inputs) {
    inputs_.push_back(symbols_->runner_input(runner_, tensor.name.c_str()));
  }
  for (const tflite::SignatureTensor& tensor : signature.outputs) {
    outputs_.push_back(symbols_->runner_output(runner_, tensor.name.c_str()));
  }
  if (std::count(inputs_.begin(), inputs_.end(), nullptr) > 0 ||
      std::count(outputs_.begin(), outputs_.end(), nullptr) > 0) {
    return Status(StatusCode::kInvalidArgument,
                  "signature '" + signature.key + "' names a tensor that its graph does not offer");
  }
  NameAs(signature);
  return Status::Ok();
}

int Binding::Allocate() {
  return runner_ == nullptr ? symbols_->allocate(interpreter_) : symbols_->runner_allocate(runner_);
}

int Binding::Resize(size_t input, std::span<const int32_t> shape) {
  const auto rank = static_cast<int32_t>(shape.size());
  if (runner_ == nullptr) {
    return symbols_->resize_input(interpreter_, input_places_[input], shape.data(), rank);
  }
  return symbols_->runner_resize(runner_, input_infos_[input].name.c_str(), shape.data(), rank);
}

void Binding::Describe() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    DescribeTensor(*symbols_, inputs_[i], input_infos_[i]);
  }
  for (size_t i = 0; i < outputs_.size(); ++i) DescribeOutput(i);
}

bool Binding::OutputHasShape(size_t index) const {
  const TfLiteTensor* const tensor = outputs_[index];
  const std::vector<int32_t>& shape = output_infos_[index].shape;
  if (symbols_->tensor_dimensions(tensor) != static_cast<int32_t>(shape.size())) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (symbols_->tensor_dimension(tensor, static_cast<int32_t>(i)) != shape[i]) return false;
  }
  return true;
}

void Binding::DescribeOutput(size_t index) {
  DescribeTensor(*symbols_, outputs_[index], output_infos_[index]);
}

}  // namespace godwit
