// The C ABI over Interpreter. It translates and decides nothing.
#include <algorithm>
#include <cstring>
#include <string>

#include "godwit/inference.h"
#include "inference/interpreter.h"

// The runtime version is kept apart because C wants it to end with a NUL.
struct godwit_interpreter {
  std::unique_ptr<godwit::Interpreter> interpreter;
  std::string runtime_version;
};

namespace {

using godwit::Interpreter;
using godwit::InterpreterOptions;
using godwit::Result;
using godwit::Status;
using godwit::StatusCode;
using godwit::TensorInfo;

godwit_status Answer(const Status& status, godwit_error* error) {
  const auto code = static_cast<godwit_status>(status.code());
  if (error == nullptr) return code;
  error->code = code;
  const std::string& message = status.message();
  size_t size = std::min(message.size(), sizeof(error->message) - 1);
  // A cut must not fall inside a UTF-8 character.
  while (size < message.size() && size > 0 &&
         (static_cast<unsigned char>(message[size]) & 0xC0) == 0x80) {
    --size;
  }
  std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return code;
}

Status Invalid(const char* what) { return Status(StatusCode::kInvalidArgument, what); }

Result<InterpreterOptions> OptionsFrom(const godwit_interpreter_options* options) {
  InterpreterOptions result;
  if (options == nullptr) return result;
  if (options->version != GODWIT_INTERPRETER_OPTIONS_VERSION) {
    return Invalid("godwit_interpreter_options.version is not one that this library knows");
  }
  if (options->library_path != nullptr) result.library_path = options->library_path;
  if (options->signature != nullptr) result.signature = options->signature;
  if (options->threads != 0) result.threads = options->threads;
  result.accelerate = options->plain_kernels == 0;
  return result;
}

template <typename Open>
godwit_status OpenWith(const godwit_interpreter_options* options, godwit_interpreter** out,
                       godwit_error* error, Open open) {
  if (out == nullptr) return Answer(Invalid("the place for the interpreter is NULL"), error);
  *out = nullptr;
  const Result<InterpreterOptions> known = OptionsFrom(options);
  if (!known.ok()) return Answer(known.status(), error);
  Result<std::unique_ptr<Interpreter>> opened = open(*known);
  if (!opened.ok()) return Answer(opened.status(), error);
  std::string version((*opened)->runtime_version());
  *out = new godwit_interpreter{std::move(opened).value(), std::move(version)};
  return Answer(Status::Ok(), error);
}

godwit_status Describe(std::span<const TensorInfo> infos, size_t index, godwit_tensor* tensor,
                       godwit_error* error) {
  if (tensor == nullptr) return Answer(Invalid("the place for the tensor is NULL"), error);
  *tensor = {};
  if (index >= infos.size()) return Answer(Invalid("there is no tensor of that index"), error);
  const TensorInfo& info = infos[index];
  if (info.shape.size() > GODWIT_TENSOR_DIMENSIONS_MAX) {
    return Answer(Status(StatusCode::kUnimplemented, "the tensor has too many dimensions"), error);
  }
  tensor->name = info.name.c_str();
  tensor->type = static_cast<int32_t>(info.type);
  tensor->dimension_count = static_cast<uint32_t>(info.shape.size());
  std::copy(info.shape.begin(), info.shape.end(), tensor->dimensions);
  tensor->size_bytes = info.size_bytes;
  tensor->scale = info.scale;
  tensor->zero_point = info.zero_point;
  return Answer(Status::Ok(), error);
}

// Only what the conversions look at.
TensorInfo InfoFrom(const godwit_tensor& tensor) {
  TensorInfo info;
  info.name = tensor.name == nullptr ? "" : tensor.name;
  info.type = static_cast<godwit::tflite::TensorType>(tensor.type);
  info.scale = tensor.scale;
  info.zero_point = tensor.zero_point;
  return info;
}

}  // namespace

godwit_status godwit_interpreter_open(const char* path, const godwit_interpreter_options* options,
                                      godwit_interpreter** interpreter, godwit_error* error) {
  if (path == nullptr) {
    if (interpreter != nullptr) *interpreter = nullptr;
    return Answer(Invalid("the path is NULL"), error);
  }
  return OpenWith(options, interpreter, error,
                  [&](const InterpreterOptions& known) { return Interpreter::Open(path, known); });
}

godwit_status godwit_interpreter_open_bytes(const void* model, size_t size_bytes,
                                            const godwit_interpreter_options* options,
                                            godwit_interpreter** interpreter, godwit_error* error) {
  return OpenWith(options, interpreter, error, [&](const InterpreterOptions& known) {
    return Interpreter::OpenBytes({static_cast<const std::byte*>(model), size_bytes}, known);
  });
}

void godwit_interpreter_close(godwit_interpreter* interpreter) { delete interpreter; }

size_t godwit_interpreter_input_count(const godwit_interpreter* interpreter) {
  return interpreter->interpreter->inputs().size();
}

size_t godwit_interpreter_output_count(const godwit_interpreter* interpreter) {
  return interpreter->interpreter->outputs().size();
}

godwit_status godwit_interpreter_input(const godwit_interpreter* interpreter, size_t index,
                                       godwit_tensor* tensor, godwit_error* error) {
  return Describe(interpreter->interpreter->inputs(), index, tensor, error);
}

godwit_status godwit_interpreter_output(const godwit_interpreter* interpreter, size_t index,
                                        godwit_tensor* tensor, godwit_error* error) {
  return Describe(interpreter->interpreter->outputs(), index, tensor, error);
}

godwit_status godwit_interpreter_run(godwit_interpreter* interpreter, const godwit_input* inputs,
                                     size_t input_count, const godwit_output* outputs,
                                     size_t output_count, godwit_error* error) {
  // Spans on the stack for up to this many tensors, so that a run allocates nothing.
  constexpr size_t kTensorsMax = 64;
  if (input_count > kTensorsMax || output_count > kTensorsMax) {
    return Answer(Invalid("a run takes at most 64 inputs and 64 outputs"), error);
  }
  std::span<const std::byte> input_spans[kTensorsMax];
  std::span<std::byte> output_spans[kTensorsMax];
  for (size_t i = 0; i < input_count; ++i) {
    input_spans[i] = {static_cast<const std::byte*>(inputs[i].data), inputs[i].size_bytes};
  }
  for (size_t i = 0; i < output_count; ++i) {
    output_spans[i] = {static_cast<std::byte*>(outputs[i].data), outputs[i].size_bytes};
  }
  return Answer(
      interpreter->interpreter->Run({input_spans, input_count}, {output_spans, output_count}),
      error);
}

const void* godwit_interpreter_output_data(const godwit_interpreter* interpreter, size_t index,
                                           size_t* size_bytes) {
  std::span<const std::byte> data;
  if (index < interpreter->interpreter->outputs().size()) {
    data = interpreter->interpreter->output_data(index);
  }
  if (size_bytes != nullptr) *size_bytes = data.size();
  return data.empty() ? nullptr : data.data();
}

godwit_status godwit_interpreter_resize_input(godwit_interpreter* interpreter, size_t index,
                                              const int32_t* dimensions, size_t dimension_count,
                                              godwit_error* error) {
  return Answer(interpreter->interpreter->ResizeInput(index, {dimensions, dimension_count}), error);
}

size_t godwit_interpreter_signature_count(const godwit_interpreter* interpreter) {
  return interpreter->interpreter->model().signatures.size();
}

const char* godwit_interpreter_signature_key(const godwit_interpreter* interpreter, size_t index) {
  const auto& signatures = interpreter->interpreter->model().signatures;
  return index < signatures.size() ? signatures[index].key.c_str() : nullptr;
}

godwit_status godwit_interpreter_select_signature(godwit_interpreter* interpreter, const char* key,
                                                  godwit_error* error) {
  return Answer(interpreter->interpreter->SelectSignature(key == nullptr ? "" : key), error);
}

size_t godwit_interpreter_label_count(const godwit_interpreter* interpreter, size_t output) {
  const auto& labels = interpreter->interpreter->metadata().output_labels;
  return output < labels.size() ? labels[output].size() : 0;
}

const char* godwit_interpreter_label(const godwit_interpreter* interpreter, size_t output,
                                     size_t index) {
  if (index >= godwit_interpreter_label_count(interpreter, output)) return nullptr;
  return interpreter->interpreter->metadata().output_labels[output][index].c_str();
}

size_t godwit_interpreter_normalization(const godwit_interpreter* interpreter, size_t input,
                                        const float** mean, const float** deviation) {
  *mean = nullptr;
  *deviation = nullptr;
  const auto& all = interpreter->interpreter->metadata().input_normalization;
  if (input >= all.size() || all[input].mean.empty()) return 0;
  *mean = all[input].mean.data();
  *deviation = all[input].std.data();
  return all[input].mean.size();
}

const char* godwit_interpreter_runtime_version(const godwit_interpreter* interpreter) {
  return interpreter->runtime_version.c_str();
}

godwit_status godwit_tensor_store(const godwit_tensor* tensor, const float* numbers, size_t count,
                                  void* data, size_t size_bytes, godwit_error* error) {
  return Answer(godwit::QuantizeTo(InfoFrom(*tensor), {numbers, count},
                                   {static_cast<std::byte*>(data), size_bytes}),
                error);
}

godwit_status godwit_tensor_load(const godwit_tensor* tensor, const void* data, size_t size_bytes,
                                 float* numbers, size_t count, godwit_error* error) {
  const Result<std::vector<float>> loaded =
      godwit::Dequantize(InfoFrom(*tensor), {static_cast<const std::byte*>(data), size_bytes});
  if (!loaded.ok()) return Answer(loaded.status(), error);
  if (loaded->size() != count) return Answer(Invalid("the numbers have not that count"), error);
  std::copy(loaded->begin(), loaded->end(), numbers);
  return Answer(Status::Ok(), error);
}
