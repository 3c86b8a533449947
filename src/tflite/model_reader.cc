#include "tflite/model_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "tflite/builtin_operators.h"
#include "tflite/flatbuffer_view.h"
#include "tflite/model_schema.h"

namespace godwit::tflite {
namespace {

constexpr uint32_t kSchemaVersion = 3;
constexpr uint32_t kOffsetBytes = 4;  // Of an element in a vector of tables.

struct OperatorCode {
  std::string_view name;  // Custom operators only; the file's own bytes.
  int32_t builtin_code = 0;
  int32_t version = 1;
  uint32_t uses = 0;
};

// Where a buffer's constant data lies in the file.
struct BufferPlace {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Reads one file from top to bottom. Each step leaves its fault in file_; a loop ends with it.
class ModelParser {
 public:
  ModelParser(std::span<const std::byte> data, const ReadLimits& limits)
      : file_(data, "not a TensorFlow Lite model"), limits_(limits) {}

  Result<Model> Parse();

 private:
  bool CheckIdentifier();
  void ReadBuffers(const FlatTable& root);
  void ReadOperatorCodes(const FlatTable& root);
  void ReadSubgraphs(const FlatTable& root);
  void ReadSubgraph(const FlatTable& table, Subgraph& subgraph);
  void ReadTensor(const FlatTable& table, Tensor& tensor);
  void ReadShape(const FlatTable& table, Tensor& tensor);
  void ReadQuantization(const FlatTable& table, Tensor& tensor);
  void CheckConstant(const FlatTable& table, const Tensor& tensor);
  void CheckStrings(const Tensor& tensor, const BufferPlace& place);
  void ReadOperator(const FlatTable& table, uint64_t tensor_count, Operator& op);
  void CheckLargeOptions(const FlatTable& table);
  void ReadSignatures(const FlatTable& root);
  void ReadSignatureTensors(const FlatVector& tables, const Subgraph& subgraph,
                            std::vector<SignatureTensor>& tensors);
  void ReadMetadataNames(const FlatTable& root);
  void SumOperatorUses();

  // Indices of tensors, each below tensor_count; -1 (absent) where optional.
  enum class Absent { kAllowed, kRefused };
  std::vector<int32_t> TensorIndices(const FlatVector& vector, uint64_t tensor_count,
                                     Absent absent);
  // Counts towards a limit over the whole file.
  bool CountUp(uint32_t count, uint32_t limit, uint32_t& total, std::string_view what,
               uint64_t offset);

  FlatFile file_;
  const ReadLimits limits_;
  std::vector<BufferPlace> buffers_;
  std::vector<OperatorCode> operator_codes_;
  uint32_t tensors_total_ = 0;
  uint32_t operators_total_ = 0;
  Model model_;
};

Result<Model> ModelParser::Parse() {
  if (!CheckIdentifier()) return file_.status();
  const FlatTable root = FlatTable::Root(file_);
  model_.file_bytes = file_.size();
  model_.schema_version = root.Scalar<uint32_t>(model_schema::kVersion, 0);
  if (file_.ok() && model_.schema_version != kSchemaVersion) {
    file_.Fail("its schema is version " + std::to_string(model_.schema_version) +
                   "; only version 3 is known",
               root.offset());
  }
  model_.description = root.String(model_schema::kDescription, limits_.name_bytes_max);
  ReadBuffers(root);
  ReadOperatorCodes(root);
  ReadSubgraphs(root);
  ReadSignatures(root);
  ReadMetadataNames(root);
  if (!file_.ok()) return file_.status();
  SumOperatorUses();
  return std::move(model_);
}

bool ModelParser::CheckIdentifier() {
  if (file_.size() < 8) {
    file_.Fail(file_.size() == 0 ? "it is empty" : "it is too short", 0);
    return false;
  }
  const std::span<const std::byte> identifier = file_.Bytes(4, 4);
  if (std::memcmp(identifier.data(), "TFL3", 4) != 0) {
    file_.Fail("it lacks the identifier TFL3", 4);
    return false;
  }
  return true;
}

void ModelParser::ReadBuffers(const FlatTable& root) {
  const FlatVector tables = root.Vector(model_schema::kBuffers, kOffsetBytes);
  if (!file_.ok()) return;
  if (!tables.present()) return file_.Fail("it has no list of buffers", root.offset());
  buffers_.reserve(tables.size());
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    const FlatTable table = tables.Table(i);
    const FlatVector data = table.Vector(buffer_schema::kData, 1);
    BufferPlace place{data.offset(), data.size()};
    // A model beyond 2 GiB keeps its data behind the flatbuffer; 0 and 1 mean "not there".
    const uint64_t offset = table.Scalar<uint64_t>(buffer_schema::kOffset, 0);
    const uint64_t size = table.Scalar<uint64_t>(buffer_schema::kSize, 0);
    if (offset > 1 || size > 1) {
      if (!file_.Contains(offset, size, "a buffer's data")) return;
      place = {offset, size};
    }
    buffers_.push_back(place);
  }
}

void ModelParser::ReadOperatorCodes(const FlatTable& root) {
  const FlatVector tables = root.Vector(model_schema::kOperatorCodes, kOffsetBytes);
  operator_codes_.reserve(tables.size());
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    const FlatTable table = tables.Table(i);
    OperatorCode code;
    // Files older than the 32-bit field have the 8-bit one only.
    code.builtin_code =
        std::max(table.Scalar<int32_t>(operator_code_schema::kBuiltinCode, 0),
                 int32_t{table.Scalar<int8_t>(operator_code_schema::kOldBuiltinCode, 0)});
    code.version = table.Scalar<int32_t>(operator_code_schema::kVersion, 1);
    code.name = table.String(operator_code_schema::kCustomCode, limits_.name_bytes_max);
    if (!file_.ok()) return;
    if (code.builtin_code < 0) return file_.Fail("an operator's code is negative", table.offset());
    if (code.builtin_code == kCustomOperator && code.name.empty()) {
      return file_.Fail("a custom operator has no name", table.offset());
    }
    operator_codes_.push_back(code);
  }
}

bool ModelParser::CountUp(uint32_t count, uint32_t limit, uint32_t& total, std::string_view what,
                          uint64_t offset) {
  if (!file_.ok()) return false;
  if (count > limit - total) {
    file_.Fail("it has more " + std::string(what) + " than the limit of " + std::to_string(limit),
               offset);
    return false;
  }
  total += count;
  return true;
}

void ModelParser::ReadSubgraphs(const FlatTable& root) {
  const FlatVector tables = root.Vector(model_schema::kSubgraphs, kOffsetBytes);
  if (!file_.ok()) return;
  if (tables.size() == 0) return file_.Fail("it has no graph", root.offset());
  uint32_t subgraphs_total = 0;
  if (!CountUp(tables.size(), limits_.subgraphs_max, subgraphs_total, "graphs", tables.offset())) {
    return;
  }
  model_.subgraphs.resize(tables.size());
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    ReadSubgraph(tables.Table(i), model_.subgraphs[i]);
  }
}

void ModelParser::ReadSubgraph(const FlatTable& table, Subgraph& subgraph) {
  subgraph.name = table.String(subgraph_schema::kName, limits_.name_bytes_max);
  const FlatVector tensors = table.Vector(subgraph_schema::kTensors, kOffsetBytes);
  if (!CountUp(tensors.size(), limits_.tensors_max, tensors_total_, "tensors", table.offset())) {
    return;
  }
  // Grows as tables prove to be there, so that a lie about the count costs no memory.
  for (uint32_t i = 0; i < tensors.size() && file_.ok(); ++i) {
    ReadTensor(tensors.Table(i), subgraph.tensors.emplace_back());
  }
  const uint64_t count = tensors.size();
  subgraph.inputs =
      TensorIndices(table.Vector(subgraph_schema::kInputs, 4), count, Absent::kRefused);
  subgraph.outputs =
      TensorIndices(table.Vector(subgraph_schema::kOutputs, 4), count, Absent::kRefused);
  const FlatVector operators = table.Vector(subgraph_schema::kOperators, kOffsetBytes);
  if (!CountUp(operators.size(), limits_.operators_max, operators_total_, "operators",
               table.offset())) {
    return;
  }
  for (uint32_t i = 0; i < operators.size() && file_.ok(); ++i) {
    ReadOperator(operators.Table(i), count, subgraph.operators.emplace_back());
  }
}

void ModelParser::ReadTensor(const FlatTable& table, Tensor& tensor) {
  tensor.name = table.String(tensor_schema::kName, limits_.name_bytes_max);
  tensor.type = static_cast<TensorType>(table.Scalar<int8_t>(tensor_schema::kType, 0));
  tensor.buffer_index = table.Scalar<uint32_t>(tensor_schema::kBuffer, 0);
  tensor.is_variable = table.Scalar<uint8_t>(tensor_schema::kIsVariable, 0) != 0;
  ReadShape(table, tensor);
  ReadQuantization(table.Table(tensor_schema::kQuantization), tensor);
  if (!file_.ok()) return;
  if (tensor.buffer_index >= buffers_.size()) {
    return file_.Fail("tensor '" + tensor.name + "' names buffer " +
                          std::to_string(tensor.buffer_index) + " of " +
                          std::to_string(buffers_.size()),
                      table.offset());
  }
  tensor.buffer_bytes = buffers_[tensor.buffer_index].bytes;
  tensor.buffer_offset = buffers_[tensor.buffer_index].offset;
  if (tensor.buffer_bytes > 0) CheckConstant(table, tensor);
}

void ModelParser::ReadShape(const FlatTable& table, Tensor& tensor) {
  const FlatVector shape = table.Vector(tensor_schema::kShape, 4);
  const FlatVector signature = table.Vector(tensor_schema::kShapeSignature, 4);
  if (std::max(shape.size(), signature.size()) > limits_.dimensions_max) {
    return file_.Fail(
        "a tensor has more than " + std::to_string(limits_.dimensions_max) + " dimensions",
        table.offset());
  }
  for (uint32_t i = 0; i < shape.size(); ++i) tensor.shape.push_back(shape.Value<int32_t>(i));
  for (uint32_t i = 0; i < signature.size(); ++i) {
    tensor.shape_signature.push_back(signature.Value<int32_t>(i));
  }
  if (tensor.shape_signature == tensor.shape) tensor.shape_signature.clear();
  for (const std::vector<int32_t>* sizes : {&tensor.shape, &tensor.shape_signature}) {
    if (std::any_of(sizes->begin(), sizes->end(), [](int32_t size) { return size < -1; })) {
      return file_.Fail("a dimension of tensor '" + tensor.name + "' is negative", table.offset());
    }
  }
}

void ModelParser::ReadQuantization(const FlatTable& table, Tensor& tensor) {
  if (!table.present()) return;
  Quantization& quantization = tensor.quantization;
  const FlatVector scale = table.Vector(quantization_schema::kScale, 4);
  const FlatVector zero_point = table.Vector(quantization_schema::kZeroPoint, 8);
  table.Vector(quantization_schema::kMin, 4);
  table.Vector(quantization_schema::kMax, 4);
  table.Table(quantization_schema::kDetails);
  quantization.quantized_dimension =
      table.Scalar<int32_t>(quantization_schema::kQuantizedDimension, 0);
  if (!file_.ok() || scale.size() == 0) return;
  for (uint32_t i = 0; i < scale.size(); ++i) {
    quantization.scale.push_back(scale.Value<float>(i));
  }
  for (uint32_t i = 0; i < zero_point.size(); ++i) {
    quantization.zero_point.push_back(zero_point.Value<int64_t>(i));
  }
  const auto fail = [&](std::string_view what) {
    file_.Fail("tensor '" + tensor.name + "': " + std::string(what), table.offset());
  };
  if (zero_point.size() != scale.size()) return fail("its scales and zero points differ in number");
  if (quantization.quantized_dimension < 0) return fail("its quantised dimension is negative");
  if (tensor.shape.empty()) return;
  const auto dimension = static_cast<size_t>(quantization.quantized_dimension);
  if (dimension >= tensor.shape.size()) return fail("its quantised dimension does not exist");
  if (scale.size() != 1 && static_cast<int64_t>(scale.size()) != tensor.shape[dimension]) {
    return fail("it has neither one scale nor one for each channel");
  }
}

// The bytes that a constant of this type and shape takes; nothing where the file alone does
// not tell.
std::optional<uint64_t> ConstantBytes(const Tensor& tensor) {
  const uint32_t element_bytes = TensorTypeBytes(tensor.type);
  if (element_bytes == 0 && tensor.type != TensorType::kInt4) return std::nullopt;
  uint64_t elements = 1;
  for (const int32_t size : tensor.shape) {
    // Saturates far above any file's size.
    elements = std::min(elements * static_cast<uint64_t>(size), uint64_t{1} << 32);
    if (elements == 0) return 0;
  }
  // Two 4-bit numbers share a byte.
  return element_bytes == 0 ? (elements + 1) / 2 : elements * element_bytes;
}

void ModelParser::CheckConstant(const FlatTable& table, const Tensor& tensor) {
  const BufferPlace& place = buffers_[tensor.buffer_index];
  if (std::count(tensor.shape.begin(), tensor.shape.end(), -1) > 0) {
    return file_.Fail("the constant '" + tensor.name + "' has an unknown dimension",
                      table.offset());
  }
  const FlatTable sparsity = table.Table(tensor_schema::kSparsity);
  if (sparsity.present()) {
    sparsity.Vector(sparsity_schema::kTraversalOrder, 4);
    sparsity.Vector(sparsity_schema::kBlockMap, 4);
    sparsity.Vector(sparsity_schema::kDimensions, kOffsetBytes);
    return;  // Holds fewer numbers than its shape.
  }
  if (tensor.type == TensorType::kString) return CheckStrings(tensor, place);
  const std::optional<uint64_t> bytes = ConstantBytes(tensor);
  if (bytes && *bytes != place.bytes) {
    file_.Fail("the constant '" + tensor.name + "' has " + std::to_string(place.bytes) +
                   " bytes of data where its shape takes " + std::to_string(*bytes),
               table.offset());
  }
}

// A constant of strings: count, count + 1 ascending offsets, characters. Kernels trust it.
void ModelParser::CheckStrings(const Tensor& tensor, const BufferPlace& place) {
  if (!file_.Charge(place.bytes, place.offset)) return;
  const auto load = [&](uint64_t index) {
    return place.bytes / 4 > index ? file_.Load<uint32_t>(place.offset + index * 4) : 0;
  };
  const uint64_t count = load(0);
  bool ok = count + 2 <= place.bytes / 4;
  uint64_t last = (count + 2) * 4;
  for (uint64_t i = 0; ok && i <= count; ++i) {
    const uint64_t next = load(i + 1);
    ok = next >= last && next <= place.bytes;
    last = next;
  }
  if (!ok) file_.Fail("the strings of the constant '" + tensor.name + "' overlap", place.offset);
}

std::vector<int32_t> ModelParser::TensorIndices(const FlatVector& vector, uint64_t tensor_count,
                                                Absent absent) {
  std::vector<int32_t> indices;
  indices.reserve(vector.size());
  for (uint32_t i = 0; i < vector.size(); ++i) {
    const int32_t index = vector.Value<int32_t>(i);
    const bool valid = index >= 0 ? static_cast<uint64_t>(index) < tensor_count
                                  : index == -1 && absent == Absent::kAllowed;
    if (!valid) {
      file_.Fail("it names tensor " + std::to_string(index) + " of " + std::to_string(tensor_count),
                 vector.offset() + uint64_t{i} * 4);
      return {};
    }
    indices.push_back(index);
  }
  return indices;
}

void ModelParser::ReadOperator(const FlatTable& table, uint64_t tensor_count, Operator& op) {
  const uint32_t code_index = table.Scalar<uint32_t>(operator_schema::kOpcodeIndex, 0);
  if (!file_.ok()) return;
  if (code_index >= operator_codes_.size()) {
    return file_.Fail("an operator names code " + std::to_string(code_index) + " of " +
                          std::to_string(operator_codes_.size()),
                      table.offset());
  }
  OperatorCode& code = operator_codes_[code_index];
  // Each operator gets a copy of its name, which the file holds once.
  if (!file_.Charge(code.name.size(), table.offset())) return;
  ++code.uses;
  op.builtin_code = code.builtin_code;
  op.version = code.version;
  op.custom = code.builtin_code == kCustomOperator;
  op.name = op.custom ? std::string(code.name) : BuiltinOperatorName(code.builtin_code);
  op.inputs =
      TensorIndices(table.Vector(operator_schema::kInputs, 4), tensor_count, Absent::kAllowed);
  op.outputs =
      TensorIndices(table.Vector(operator_schema::kOutputs, 4), tensor_count, Absent::kAllowed);
  TensorIndices(table.Vector(operator_schema::kIntermediates, 4), tensor_count, Absent::kAllowed);
  table.Table(operator_schema::kBuiltinOptions);
  table.Table(operator_schema::kBuiltinOptions2);
  table.Vector(operator_schema::kCustomOptions, 1);
  table.Vector(operator_schema::kMutatingVariableInputs, 1);
  CheckLargeOptions(table);
}

void ModelParser::CheckLargeOptions(const FlatTable& table) {
  const uint64_t offset = table.Scalar<uint64_t>(operator_schema::kLargeOptionsOffset, 0);
  const uint64_t size = table.Scalar<uint64_t>(operator_schema::kLargeOptionsSize, 0);
  if (offset > 1) file_.Contains(offset, size, "an operator's options");
}

void ModelParser::ReadSignatures(const FlatTable& root) {
  const FlatVector tables = root.Vector(model_schema::kSignatureDefs, kOffsetBytes);
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    const FlatTable table = tables.Table(i);
    Signature& signature = model_.signatures.emplace_back();
    signature.key = table.String(signature_schema::kKey, limits_.name_bytes_max);
    signature.subgraph_index = table.Scalar<uint32_t>(signature_schema::kSubgraphIndex, 0);
    if (!file_.ok()) return;
    if (signature.subgraph_index >= model_.subgraphs.size()) {
      return file_.Fail("signature '" + signature.key + "' names a graph that does not exist",
                        table.offset());
    }
    const Subgraph& subgraph = model_.subgraphs[signature.subgraph_index];
    ReadSignatureTensors(table.Vector(signature_schema::kInputs, kOffsetBytes), subgraph,
                         signature.inputs);
    ReadSignatureTensors(table.Vector(signature_schema::kOutputs, kOffsetBytes), subgraph,
                         signature.outputs);
  }
}

void ModelParser::ReadSignatureTensors(const FlatVector& tables, const Subgraph& subgraph,
                                       std::vector<SignatureTensor>& tensors) {
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    const FlatTable table = tables.Table(i);
    SignatureTensor& tensor = tensors.emplace_back();
    tensor.name = table.String(signature_tensor_schema::kName, limits_.name_bytes_max);
    tensor.tensor_index = table.Scalar<uint32_t>(signature_tensor_schema::kTensorIndex, 0);
    if (file_.ok() && tensor.tensor_index >= subgraph.tensors.size()) {
      file_.Fail("a signature names tensor " + std::to_string(tensor.tensor_index) + " of " +
                     std::to_string(subgraph.tensors.size()),
                 table.offset());
    }
  }
}

void ModelParser::ReadMetadataNames(const FlatTable& root) {
  const FlatVector tables = root.Vector(model_schema::kMetadata, kOffsetBytes);
  for (uint32_t i = 0; i < tables.size() && file_.ok(); ++i) {
    const FlatTable table = tables.Table(i);
    const std::string_view name = table.String(metadata_schema::kName, limits_.name_bytes_max);
    const uint32_t buffer = table.Scalar<uint32_t>(metadata_schema::kBuffer, 0);
    if (!file_.ok()) return;
    if (buffer >= buffers_.size()) {
      return file_.Fail("its metadata names a buffer that does not exist", table.offset());
    }
    model_.metadata_names.emplace_back(name);
    if (name == "min_runtime_version") {
      const BufferPlace& place = buffers_[buffer];
      const std::span<const std::byte> bytes =
          file_.Bytes(place.offset, std::min<uint64_t>(place.bytes, limits_.name_bytes_max));
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      model_.runtime_version = text.substr(0, text.find('\0'));
    }
  }
}

void ModelParser::SumOperatorUses() {
  // Two codes may name the same operator.
  std::map<std::tuple<std::string, int32_t, bool>, uint32_t> counts;
  for (const OperatorCode& code : operator_codes_) {
    if (code.uses == 0) continue;
    const bool custom = code.builtin_code == kCustomOperator;
    std::string name = custom ? std::string(code.name) : BuiltinOperatorName(code.builtin_code);
    counts[{std::move(name), code.version, custom}] += code.uses;
  }
  for (const auto& [key, count] : counts) {
    const auto& [name, version, custom] = key;
    model_.operator_uses.push_back({name, version, custom, count});
  }
  std::sort(model_.operator_uses.begin(), model_.operator_uses.end(),
            [](const OperatorUse& left, const OperatorUse& right) {
              return std::tuple(right.count, left.name, left.version) <
                     std::tuple(left.count, right.name, right.version);
            });
}

}  // namespace

Result<Model> ReadModel(std::span<const std::byte> data, const ReadLimits& limits) {
  return ModelParser(data, limits).Parse();
}

}  // namespace godwit::tflite
