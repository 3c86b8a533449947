#include "tflite/golden_file.h"

#include <bit>
#include <cmath>
#include <string_view>

namespace godwit::tflite {
namespace {

constexpr std::string_view kMagic = "GWGF";
constexpr uint32_t kFormatVersion = 1;

void PutInteger(uint64_t value, size_t width, std::string& out) {
  for (size_t i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void PutText(std::string_view text, std::string& out) {
  PutInteger(text.size(), 4, out);
  out.append(text);
}

void PutTensors(const std::vector<GoldenTensor>& tensors, std::string& out) {
  PutInteger(tensors.size(), 4, out);
  for (const GoldenTensor& tensor : tensors) {
    PutText(tensor.name, out);
    PutInteger(static_cast<uint8_t>(tensor.type), 4, out);
    PutInteger(tensor.shape.size(), 4, out);
    for (const int32_t size : tensor.shape) PutInteger(static_cast<uint32_t>(size), 4, out);
    PutText(tensor.bytes, out);
  }
}

// Reads from the front; every read says what it wants, for the message.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return offset_ == bytes_.size(); }

  Status Wrong(std::string_view what) const {
    return Status(StatusCode::kInvalidArgument,
                  "not a file of golden inputs: " + std::string(what) + " at byte " +
                      std::to_string(offset_) + "; make one with `godwit model golden`");
  }

  Result<std::string_view> Take(size_t count, std::string_view what) {
    if (count > bytes_.size() - offset_) return Wrong(std::string(what) + " is cut short");
    const std::string_view taken = bytes_.substr(offset_, count);
    offset_ += count;
    return taken;
  }

  Result<uint32_t> TakeInteger(uint32_t max, std::string_view what) {
    GODWIT_ASSIGN_OR_RETURN(const std::string_view taken, Take(4, what));
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(taken[i])} << (8 * i);
    if (value > max) return Wrong(std::string(what) + " is too large");
    return value;
  }

  Result<float> TakeTolerance() {
    GODWIT_ASSIGN_OR_RETURN(const uint32_t bits, TakeInteger(UINT32_MAX, "a tolerance"));
    const float value = std::bit_cast<float>(bits);
    if (!std::isfinite(value) || value < 0) return Wrong("a tolerance is no distance");
    return value;
  }

  Result<std::string> TakeText(uint32_t max, std::string_view what) {
    GODWIT_ASSIGN_OR_RETURN(const uint32_t size, TakeInteger(max, what));
    GODWIT_ASSIGN_OR_RETURN(const std::string_view text, Take(size, what));
    return std::string(text);
  }

 private:
  const std::string_view bytes_;
  size_t offset_ = 0;
};

Result<GoldenTensor> ReadTensor(Reader& reader) {
  GoldenTensor tensor;
  GODWIT_ASSIGN_OR_RETURN(tensor.name, reader.TakeText(kGoldenNameMaxBytes, "a tensor's name"));
  GODWIT_ASSIGN_OR_RETURN(const uint32_t type, reader.TakeInteger(127, "a type"));
  tensor.type = static_cast<TensorType>(type);
  const uint32_t element_bytes = TensorTypeBytes(tensor.type);
  if (element_bytes == 0) return reader.Wrong("a type without a fixed size");
  GODWIT_ASSIGN_OR_RETURN(const uint32_t dimensions,
                          reader.TakeInteger(kGoldenDimensionsMax, "the number of dimensions"));
  uint64_t size_bytes = element_bytes;
  for (uint32_t i = 0; i < dimensions; ++i) {
    GODWIT_ASSIGN_OR_RETURN(const uint32_t size, reader.TakeInteger(INT32_MAX, "a dimension"));
    tensor.shape.push_back(static_cast<int32_t>(size));
    // No product of what came so far and one more size passes 2^64.
    size_bytes *= size;
    if (size_bytes > kGoldenFileMaxBytes) return reader.Wrong("a tensor that is too large");
  }
  GODWIT_ASSIGN_OR_RETURN(tensor.bytes, reader.TakeText(kGoldenFileMaxBytes, "a tensor"));
  if (tensor.bytes.size() != size_bytes) return reader.Wrong("a tensor of another size");
  return tensor;
}

Result<std::vector<GoldenTensor>> ReadTensors(Reader& reader) {
  GODWIT_ASSIGN_OR_RETURN(const uint32_t count,
                          reader.TakeInteger(kGoldenTensorsMax, "the number of tensors"));
  std::vector<GoldenTensor> tensors;
  for (uint32_t i = 0; i < count; ++i) {
    GODWIT_ASSIGN_OR_RETURN(GoldenTensor tensor, ReadTensor(reader));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Result<GoldenCase> ReadCase(Reader& reader) {
  GoldenCase read;
  GODWIT_ASSIGN_OR_RETURN(read.name, reader.TakeText(kGoldenNameMaxBytes, "a case's name"));
  GODWIT_ASSIGN_OR_RETURN(read.latency_budget_ms,
                          reader.TakeInteger(UINT32_MAX, "the latency budget"));
  GODWIT_ASSIGN_OR_RETURN(read.absolute_tolerance, reader.TakeTolerance());
  GODWIT_ASSIGN_OR_RETURN(read.relative_tolerance, reader.TakeTolerance());
  GODWIT_ASSIGN_OR_RETURN(read.inputs, ReadTensors(reader));
  GODWIT_ASSIGN_OR_RETURN(read.outputs, ReadTensors(reader));
  return read;
}

}  // namespace

std::string EncodeGoldenFile(const std::vector<GoldenCase>& cases) {
  std::string out(kMagic);
  PutInteger(kFormatVersion, 4, out);
  PutInteger(cases.size(), 4, out);
  for (const GoldenCase& golden : cases) {
    PutText(golden.name, out);
    PutInteger(golden.latency_budget_ms, 4, out);
    PutInteger(std::bit_cast<uint32_t>(golden.absolute_tolerance), 4, out);
    PutInteger(std::bit_cast<uint32_t>(golden.relative_tolerance), 4, out);
    PutTensors(golden.inputs, out);
    PutTensors(golden.outputs, out);
  }
  return out;
}

Result<std::vector<GoldenCase>> ParseGoldenFile(std::span<const std::byte> bytes) {
  Reader reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (bytes.size() > kGoldenFileMaxBytes) return reader.Wrong("more than 16 MiB");
  GODWIT_ASSIGN_OR_RETURN(const std::string_view magic, reader.Take(4, "the beginning"));
  if (magic != kMagic) return reader.Wrong("another beginning");
  GODWIT_ASSIGN_OR_RETURN(const uint32_t version, reader.TakeInteger(UINT32_MAX, "the format"));
  if (version != kFormatVersion) {
    return reader.Wrong("format " + std::to_string(version) + ", which this version lacks,");
  }
  GODWIT_ASSIGN_OR_RETURN(const uint32_t count,
                          reader.TakeInteger(kGoldenCasesMax, "the number of cases"));
  if (count == 0) return reader.Wrong("no case");
  std::vector<GoldenCase> cases;
  for (uint32_t i = 0; i < count; ++i) {
    GODWIT_ASSIGN_OR_RETURN(GoldenCase read, ReadCase(reader));
    cases.push_back(std::move(read));
  }
  if (!reader.at_end()) return reader.Wrong("more bytes than the cases have");
  return cases;
}

}  // namespace godwit::tflite
