#include "cli/tensor_file.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/json.h"

namespace godwit::cli {
namespace {

using tflite::TensorType;

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr size_t kDimensionsMax = 8;
constexpr size_t kJsonBytesMax = 256 << 20;

Status Malformed(const std::string& what) { return Status(StatusCode::kInvalidArgument, what); }

// NumPy's names for what TensorFlow Lite can take.
std::optional<TensorType> TypeOfDescr(std::string_view descr) {
  static constexpr std::pair<std::string_view, TensorType> kTypes[] = {
      {"<f4", TensorType::kFloat32}, {"<f2", TensorType::kFloat16}, {"<f8", TensorType::kFloat64},
      {"|i1", TensorType::kInt8},    {"|u1", TensorType::kUint8},   {"<i2", TensorType::kInt16},
      {"<u2", TensorType::kUint16},  {"<i4", TensorType::kInt32},   {"<u4", TensorType::kUint32},
      {"<i8", TensorType::kInt64},   {"<u8", TensorType::kUint64},  {"|b1", TensorType::kBool}};
  for (const auto& [name, type] : kTypes) {
    if (name == descr) return type;
  }
  return std::nullopt;
}

// The text behind "'key':" in the header's Python dictionary, without leading blanks.
std::string_view ValueOf(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) return {};
  std::string_view value = header.substr(at + quoted.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

Result<std::vector<int32_t>> ParseShape(std::string_view text) {
  const size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos) {
    return Malformed("its .npy header has no shape");
  }
  std::vector<int32_t> shape;
  std::string_view rest = text.substr(1, end - 1);
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" ,"), rest.size()));
    if (rest.empty()) return shape;
    int32_t size = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), size);
    if (parsed.ec != std::errc() || size < 0 || shape.size() == kDimensionsMax) {
      return Malformed("its .npy header has a shape that cannot be read");
    }
    shape.push_back(size);
    rest.remove_prefix(static_cast<size_t>(parsed.ptr - rest.data()));
  }
}

Result<TensorFile> ParseNpy(std::string_view text) {
  // Magic, major and minor version, then the header's length in 2 bytes (version 1) or 4.
  if (text.size() < 12) return Malformed("the .npy file is cut short");
  const bool wide = text[6] != 1;
  const size_t length_bytes = wide ? 4 : 2;
  size_t header_bytes = 0;
  for (size_t i = length_bytes; i-- > 0;) {
    header_bytes = header_bytes << 8 | static_cast<unsigned char>(text[8 + i]);
  }
  const size_t data_at = 8 + length_bytes + header_bytes;
  if (header_bytes > 1 << 16 || data_at > text.size()) {
    return Malformed("the .npy file is cut short");
  }
  const std::string_view header = text.substr(8 + length_bytes, header_bytes);
  if (ValueOf(header, "fortran_order").starts_with("True")) {
    return Malformed("its elements are in Fortran's order; save it by numpy.ascontiguousarray");
  }
  std::string_view descr = ValueOf(header, "descr");
  descr = descr.size() >= 5 ? descr.substr(1, 3) : std::string_view();
  TensorFile tensor;
  tensor.type = TypeOfDescr(descr);
  if (!tensor.type) {
    return Malformed("its element type '" + std::string(descr) +
                     "' is not supported; convert it by numpy's astype, as to float32");
  }
  GODWIT_ASSIGN_OR_RETURN(tensor.shape, ParseShape(ValueOf(header, "shape")));
  uint64_t bytes = tflite::TensorTypeBytes(*tensor.type);
  for (const int32_t size : tensor.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      return Malformed("its .npy header has a shape that is too large");
    }
  }
  const std::string_view data = text.substr(data_at);
  if (data.size() != bytes) {
    return Malformed("its .npy header promises " + std::to_string(bytes) + " bytes, but " +
                     std::to_string(data.size()) + " follow");
  }
  const auto as_bytes = std::as_bytes(std::span(data));
  tensor.bytes.assign(as_bytes.begin(), as_bytes.end());
  return tensor;
}

// Appends the numbers and checks that each level has one length.
Status Flatten(const Json& json, size_t depth, TensorFile* tensor) {
  if (json.kind() == Json::Kind::kInt || json.kind() == Json::Kind::kDouble) {
    if (depth != tensor->shape.size()) return Malformed("its lists are not of one depth");
    tensor->values.push_back(static_cast<float>(json.AsDouble()));
    return Status::Ok();
  }
  if (!json.is_array() || depth >= kDimensionsMax) {
    return Malformed("it is no (nested) list of numbers");
  }
  const auto size = static_cast<int32_t>(json.items().size());
  // The first element of each level says how long its neighbours must be.
  if (depth == tensor->shape.size()) {
    if (!tensor->values.empty()) return Malformed("its lists are not of one depth");
    tensor->shape.push_back(size);
  } else if (tensor->shape[depth] != size) {
    return Malformed("its lists are not of one length");
  }
  for (const Json& item : json.items()) {
    GODWIT_RETURN_IF_ERROR(Flatten(item, depth + 1, tensor));
  }
  return Status::Ok();
}

Result<TensorFile> ParseJson(std::string_view text) {
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(text, {.bytes_max = kJsonBytesMax}));
  TensorFile tensor;
  tensor.is_json = true;
  GODWIT_RETURN_IF_ERROR(Flatten(json, 0, &tensor));
  return tensor;
}

}  // namespace

Result<TensorFile> ParseTensorFile(std::string_view name, std::span<const std::byte> data,
                                   size_t expected_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  if (text.starts_with(kNpyMagic)) return ParseNpy(text);
  if (name.ends_with(".json")) return ParseJson(text);
  if (data.size() == expected_bytes) {
    TensorFile tensor;
    tensor.bytes.assign(data.begin(), data.end());
    return tensor;
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '[') return ParseJson(text);
  return Malformed("it is neither .npy nor JSON, and as raw bytes it has " +
                   std::to_string(data.size()) + " where the model takes " +
                   std::to_string(expected_bytes));
}

}  // namespace godwit::cli
