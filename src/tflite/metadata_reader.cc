// TFLite Metadata: a second flatbuffer in one of the model's buffers, and the files that it
// names, in a zip archive behind the model.
#include <algorithm>

#include "tflite/flatbuffer_view.h"
#include "tflite/model_reader.h"
#include "tflite/model_schema.h"
#include "tflite/zip_reader.h"

namespace godwit::tflite {
namespace {

constexpr uint32_t kOffsetBytes = 4;  // Of an element in a vector of tables.
constexpr uint32_t kTextBytesMax = 64 * 1024;
constexpr uint32_t kTensorsMax = 256;
constexpr uint32_t kChannelsMax = 4096;
constexpr uint32_t kFilesMax = 16;  // Looked at for one tensor.
// Of all label files together: a deflated file may claim a thousand times its size.
constexpr uint32_t kLabelBytesMax = 1024 * 1024;

// The bytes of the model's TFLITE_METADATA buffer; empty when it has none.
Result<std::span<const std::byte>> MetadataBuffer(std::span<const std::byte> data) {
  FlatFile file(data, "not a TensorFlow Lite model");
  if (data.size() < 8 || std::memcmp(data.data() + 4, "TFL3", 4) != 0) {
    file.Fail("it lacks the identifier TFL3", 4);
    return file.status();
  }
  const FlatTable root = FlatTable::Root(file);
  const FlatVector buffers = root.Vector(model_schema::kBuffers, kOffsetBytes);
  const FlatVector entries = root.Vector(model_schema::kMetadata, kOffsetBytes);
  for (uint32_t i = 0; i < entries.size() && file.ok(); ++i) {
    const FlatTable entry = entries.Table(i);
    if (entry.String(metadata_schema::kName, kTextBytesMax) != "TFLITE_METADATA") continue;
    const uint32_t index = entry.Scalar<uint32_t>(metadata_schema::kBuffer, 0);
    if (index >= buffers.size()) {
      file.Fail("its metadata names a buffer that does not exist", entry.offset());
      break;
    }
    const FlatVector bytes = buffers.Table(index).Vector(buffer_schema::kData, 1);
    if (!file.ok()) break;
    return bytes.Bytes();
  }
  if (!file.ok()) return file.status();
  return std::span<const std::byte>();
}

std::vector<float> ReadFloats(FlatFile& file, const FlatVector& vector) {
  std::vector<float> values;
  if (vector.size() > kChannelsMax) {
    file.Fail("a normalisation has too many channels", vector.offset());
    return values;
  }
  for (uint32_t i = 0; i < vector.size(); ++i) values.push_back(vector.Value<float>(i));
  return values;
}

Normalization ReadNormalization(FlatFile& file, const FlatTable& tensor) {
  const FlatVector units = tensor.Vector(tensor_metadata_schema::kProcessUnits, kOffsetBytes);
  for (uint32_t i = 0; i < units.size() && file.ok(); ++i) {
    const FlatTable unit = units.Table(i);
    if (unit.Scalar<uint8_t>(process_unit_schema::kOptionsType, 0) !=
        process_unit_schema::kNormalizationOptions) {
      continue;
    }
    const FlatTable options = unit.Table(process_unit_schema::kOptions);
    Normalization normalization;
    normalization.mean = ReadFloats(file, options.Vector(normalization_schema::kMean, 4));
    normalization.std = ReadFloats(file, options.Vector(normalization_schema::kStd, 4));
    const auto& std = normalization.std;
    if (normalization.mean.size() != std.size() ||
        std::find(std.begin(), std.end(), 0.0f) != std.end()) {
      file.Fail("a normalisation has no deviation for each mean", options.offset());
    }
    return normalization;
  }
  return {};
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Reads the first label file that the tensor names, out of the zip behind the model.
Result<std::vector<std::string>> ReadLabels(FlatFile& file, const FlatTable& tensor,
                                            std::span<const std::byte> data,
                                            uint32_t& label_bytes_left) {
  const FlatVector files = tensor.Vector(tensor_metadata_schema::kAssociatedFiles, kOffsetBytes);
  for (uint32_t i = 0; i < std::min(files.size(), kFilesMax) && file.ok(); ++i) {
    const FlatTable associated = files.Table(i);
    const int type = associated.Scalar<int8_t>(associated_file_schema::kType, 0);
    if (type != associated_file_schema::kAxisLabels &&
        type != associated_file_schema::kValueLabels) {
      continue;
    }
    const std::string_view name = associated.String(associated_file_schema::kName, kTextBytesMax);
    if (!file.ok()) break;
    GODWIT_ASSIGN_OR_RETURN(const std::string text, ReadZipEntry(data, name, label_bytes_left));
    label_bytes_left -= static_cast<uint32_t>(text.size());
    return SplitLines(text);
  }
  return std::vector<std::string>();
}

Result<ModelMetadata> ReadMetadataBuffer(std::span<const std::byte> buffer,
                                         std::span<const std::byte> data) {
  FlatFile file(buffer, "the model's metadata is damaged");
  if (buffer.size() < 8 || std::memcmp(buffer.data() + 4, "M001", 4) != 0) {
    file.Fail("it lacks the identifier M001", 4);
    return file.status();
  }
  const FlatTable root = FlatTable::Root(file);
  ModelMetadata metadata;
  metadata.name = root.String(model_metadata_schema::kName, kTextBytesMax);
  metadata.description = root.String(model_metadata_schema::kDescription, kTextBytesMax);
  const FlatVector subgraphs = root.Vector(model_metadata_schema::kSubgraphs, kOffsetBytes);
  if (subgraphs.size() > 0) {
    const FlatTable primary = subgraphs.Table(0);
    const FlatVector inputs = primary.Vector(subgraph_metadata_schema::kInputs, kOffsetBytes);
    const FlatVector outputs = primary.Vector(subgraph_metadata_schema::kOutputs, kOffsetBytes);
    if (std::max(inputs.size(), outputs.size()) > kTensorsMax) {
      file.Fail("it describes too many tensors", primary.offset());
    }
    for (uint32_t i = 0; i < inputs.size() && file.ok(); ++i) {
      metadata.input_normalization.push_back(ReadNormalization(file, inputs.Table(i)));
    }
    uint32_t label_bytes_left = kLabelBytesMax;
    for (uint32_t i = 0; i < outputs.size() && file.ok(); ++i) {
      GODWIT_ASSIGN_OR_RETURN(std::vector<std::string> labels,
                              ReadLabels(file, outputs.Table(i), data, label_bytes_left));
      metadata.output_labels.push_back(std::move(labels));
    }
  }
  if (!file.ok()) return file.status();
  return metadata;
}

}  // namespace

Result<ModelMetadata> ReadMetadata(std::span<const std::byte> data) {
  GODWIT_ASSIGN_OR_RETURN(const std::span<const std::byte> buffer, MetadataBuffer(data));
  if (buffer.empty()) return ModelMetadata();
  return ReadMetadataBuffer(buffer, data);
}

}  // namespace godwit::tflite
