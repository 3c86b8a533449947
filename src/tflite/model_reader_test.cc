#include "tflite/model_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tflite/builtin_operators.h"
#include "tflite/zip_reader.h"

namespace godwit::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(std::string(GODWIT_SOURCE_DIR) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string Small(const std::string& name) {
  return ReadFile("fuzz/corpora/tflite_model/" + name + ".tflite");
}

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(ModelReader, TellsAModelsStructure) {
  const std::string file = ReadFile("models/digits/digits_v2.tflite");
  const Result<Model> model = ReadModel(Bytes(file));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->schema_version, 3u);
  EXPECT_EQ(model->file_bytes, file.size());
  EXPECT_EQ(model->runtime_version, "1.5.0");
  ASSERT_EQ(model->subgraphs.size(), 1u);
  const Subgraph& graph = model->subgraphs[0];
  ASSERT_EQ(graph.inputs.size(), 1u);
  const Tensor& image = graph.tensors[static_cast<size_t>(graph.inputs[0])];
  EXPECT_EQ(image.name, "image");
  EXPECT_EQ(image.type, TensorType::kFloat32);
  EXPECT_THAT(image.shape, ElementsAre(1, 8, 8, 1));
  EXPECT_EQ(image.buffer_bytes, 0u);
  ASSERT_EQ(model->signatures.size(), 1u);
  EXPECT_EQ(model->signatures[0].key, "serving_default");
  EXPECT_EQ(model->signatures[0].inputs[0].name, "image");
  EXPECT_EQ(model->signatures[0].outputs[0].name, "probabilities");
  EXPECT_EQ(model->operator_uses[0].name, "CONV_2D");
  EXPECT_EQ(model->operator_uses[0].count, 3u);
  EXPECT_FALSE(model->operator_uses[0].custom);
}

TEST(ModelReader, TellsHowNumbersAreQuantised) {
  const std::string file = ReadFile("models/digits/digits_v2_int8.tflite");
  const Result<Model> model = ReadModel(Bytes(file));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const Subgraph& graph = model->subgraphs[0];
  const Tensor& output = graph.tensors[static_cast<size_t>(graph.outputs[0])];
  EXPECT_EQ(output.type, TensorType::kInt8);
  EXPECT_THAT(output.quantization.scale, ElementsAre(1.0f / 256));
  EXPECT_THAT(output.quantization.zero_point, ElementsAre(-128));
}

TEST(ModelReader, ReadsBytesThatAreNotAligned) {
  const std::string file = "x" + Small("add_constant");
  const Result<Model> model = ReadModel(Bytes(file).subspan(1));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->subgraphs[0].tensors[1].buffer_bytes, 16u);
  EXPECT_EQ(model->description, "one operator");
}

TEST(ModelReader, RefusesEachLie) {
  struct Row {
    const char* name;
    const char* message;
  };
  constexpr Row kRows[] = {
      {"schema_version", "its schema is version 2"},
      {"no_graph", "it has no graph"},
      {"operator_code", "an operator names code 5 of 1"},
      {"operator_input", "it names tensor 3 of 3 (at byte 208 of 380)"},
      {"operator_output", "it names tensor -2 of 3"},
      {"graph_input", "it names tensor -1 of 3"},
      {"buffer_index", "names buffer 9 of 2"},
      {"constant_size", "16 bytes of data where its shape takes 4000000000"},
      {"constant_shape", "has an unknown dimension"},
      {"negative_shape", "is negative"},
      {"dimensions", "more than 8 dimensions"},
      {"zero_points", "scales and zero points differ"},
      {"channels", "neither one scale nor one for each channel"},
      {"quantized_dimension", "its quantised dimension does not exist"},
      {"signature_tensor", "a signature names tensor 77 of 3"},
      {"signature_graph", "names a graph that does not exist"},
      {"metadata_buffer", "names a buffer that does not exist"},
      {"data_outside", "a buffer's data ends outside the file"},
      {"strings", "the strings of the constant 'constant' overlap"},
      {"huge_vector", "a vector of 4294967295 elements ends outside the file"},
      {"offset_zero", "an offset is zero"},
      {"offset_far", "ends outside the file; is it truncated? (at byte 2147483675 of 380)"},
      {"vtable_before_file", "lies before the file"},
      {"truncated", "is it truncated?"},
      {"shared_graphs", "overlap so often"},
  };
  for (const Row& row : kRows) {
    const std::string file = Small(std::string("lie_") + row.name);
    const Result<Model> model = ReadModel(Bytes(file));
    ASSERT_FALSE(model.ok()) << row.name;
    EXPECT_EQ(model.status().code(), StatusCode::kInvalidArgument) << row.name;
    EXPECT_THAT(model.status().message(), HasSubstr("not a TensorFlow Lite model: ")) << row.name;
    EXPECT_THAT(model.status().message(), HasSubstr(row.message)) << row.name;
  }
}

TEST(ModelReader, RefusesWhatIsNoModelAtAll) {
  for (const std::string& file : {std::string(), std::string("TFL3"), std::string(4096, '\0'),
                                  std::string("\x89PNG\r\n\x1a\n and so on")}) {
    EXPECT_EQ(ReadModel(Bytes(file)).status().code(), StatusCode::kInvalidArgument) << file;
  }
}

// Whatever is missing at the end is noticed: by a reader that trusted it, a truncated download
// would pass.
TEST(ModelReader, RefusesAModelThatIsCutAnywhere) {
  const std::string file = Small("add_constant");
  for (size_t size = 0; size + 4 < file.size(); ++size) {
    // A copy of that very size, so that the address sanitizer sees a read past its end.
    const std::string cut = file.substr(0, size);
    EXPECT_FALSE(ReadModel(Bytes(cut)).ok()) << size;
  }
}

// No value of any byte may do more than be refused or be taken for another model.
TEST(ModelReader, SurvivesEveryByteBeingChanged) {
  for (const char* name : {"add_constant", "two_signatures", "svdf_int8_state"}) {
    const std::string file = Small(name);
    for (size_t at = 0; at < file.size(); ++at) {
      for (const char value : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
        std::string changed = file;
        changed[at] = value;
        const Result<Model> model = ReadModel(Bytes(changed));
        EXPECT_TRUE(model.ok() || model.status().code() == StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST(ModelReader, KeepsToTheCallersLimits) {
  const std::string file = ReadFile("models/digits/digits_v1.tflite");
  ReadLimits limits;
  limits.tensors_max = 2;
  EXPECT_THAT(ReadModel(Bytes(file), limits).status().message(),
              HasSubstr("more tensors than the limit of 2"));
  limits = {};
  limits.operators_max = 1;
  EXPECT_THAT(ReadModel(Bytes(file), limits).status().message(), HasSubstr("more operators"));
  limits = {};
  limits.name_bytes_max = 3;
  EXPECT_THAT(ReadModel(Bytes(file), limits).status().message(), HasSubstr("longer than"));
}

TEST(ModelReader, NamesTypesAndOperators) {
  EXPECT_EQ(TensorTypeName(TensorType::kBfloat16), "bfloat16");
  EXPECT_EQ(TensorTypeName(TensorType{42}), "type 42");
  EXPECT_EQ(TensorTypeName(TensorType{-1}), "type -1");
  EXPECT_EQ(TensorTypeBytes(TensorType::kComplex128), 16u);
  EXPECT_EQ(TensorTypeBytes(TensorType::kString), 0u);
  EXPECT_EQ(BuiltinOperatorName(kCustomOperator), "CUSTOM");
  EXPECT_EQ(BuiltinOperatorName(150), "GELU");
  EXPECT_EQ(BuiltinOperatorName(999), "operator 999");
}

TEST(MetadataReader, TellsLabelsAndNormalisation) {
  const std::string stored = ReadFile("models/digits/digits_v1.tflite");
  for (const std::string& file : {stored, Small("labels_deflated")}) {
    const Result<ModelMetadata> metadata = ReadMetadata(Bytes(file));
    ASSERT_TRUE(metadata.ok()) << metadata.status().ToString();
    EXPECT_EQ(metadata->name, "digits v1");
    ASSERT_EQ(metadata->input_normalization.size(), 1u);
    EXPECT_THAT(metadata->input_normalization[0].mean, ElementsAre(127.5f));
    EXPECT_THAT(metadata->input_normalization[0].std, ElementsAre(127.5f));
    ASSERT_EQ(metadata->output_labels.size(), 1u);
    EXPECT_THAT(metadata->output_labels[0],
                ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
  }
}

TEST(MetadataReader, IsEmptyWithoutMetadata) {
  const Result<ModelMetadata> metadata = ReadMetadata(Bytes(Small("add_constant")));
  ASSERT_TRUE(metadata.ok());
  EXPECT_TRUE(metadata->name.empty());
  EXPECT_TRUE(metadata->output_labels.empty());
}

TEST(MetadataReader, RefusesDamagedOnesWhileTheModelStaysGood) {
  std::string file = ReadFile("models/digits/digits_v1.tflite");
  const size_t labels = file.rfind("0\n1\n2");  // In the zip, stored.
  file[labels] = 'X';
  EXPECT_THAT(ReadMetadata(Bytes(file)).status().message(), HasSubstr("checksum is wrong"));
  const size_t identifier = file.find("M001");
  file[identifier] = 'X';
  EXPECT_THAT(ReadMetadata(Bytes(file)).status().message(), HasSubstr("lacks the identifier M001"));
  EXPECT_TRUE(ReadModel(Bytes(file)).ok());
}

TEST(MetadataReader, SurvivesEveryByteBeingChanged) {
  const std::string file = Small("labels_deflated");
  for (size_t at = 0; at < file.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = file;
      changed[at] = value;
      (void)ReadMetadata(Bytes(changed)).ok();
    }
  }
}

TEST(ZipReader, RefusesAnEntryAboveTheLimit) {
  const std::string file = Small("labels_deflated");
  EXPECT_EQ(ReadZipEntry(Bytes(file), "labels.txt", 20)->size(), 20u);
  EXPECT_EQ(ReadZipEntry(Bytes(file), "labels.txt", 19).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ReadZipEntry(Bytes(file), "other.txt", 20).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace godwit::tflite
