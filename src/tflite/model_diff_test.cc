#include "tflite/model_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace godwit::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// A model whose graph holds the constants, and its "file": their data, one behind the other.
struct Subject {
  Model model;
  std::string file;

  explicit Subject(size_t graphs = 1) { model.subgraphs.resize(graphs); }

  Tensor& Add(const std::string& name, std::vector<int32_t> shape, const std::string& data,
              size_t graph = 0) {
    Tensor& tensor = model.subgraphs[graph].tensors.emplace_back();
    tensor.name = name;
    tensor.type = TensorType::kInt8;
    tensor.shape = std::move(shape);
    tensor.buffer_offset = file.size();
    tensor.buffer_bytes = data.size();
    tensor.buffer_index = data.empty() ? 0 : ++buffers_;
    file += data;
    return tensor;
  }

  ModelBytes bytes() const { return {model, Bytes(file)}; }

 private:
  uint32_t buffers_ = 0;
};

ModelDiff Diff(const Subject& before, const Subject& after) {
  auto diff = CompareModels(before.bytes(), after.bytes());
  EXPECT_TRUE(diff.ok()) << diff.status().ToString();
  return *diff;
}

std::vector<std::string> Lines(const Subject& before, const Subject& after) {
  std::vector<std::string> lines;
  for (const TensorChange& change : Diff(before, after).tensors) {
    const auto name = [&](const Model& model, int32_t index) {
      return index < 0 ? "-" : model.subgraphs[change.subgraph].tensors[size_t(index)].name;
    };
    std::string line = name(before.model, change.before) + " " + name(after.model, change.after);
    for (const auto& [differs, what] :
         std::initializer_list<std::pair<bool, const char*>>{{change.name, " name"},
                                                             {change.type, " type"},
                                                             {change.shape, " shape"},
                                                             {change.quantization, " quantization"},
                                                             {change.data, " data"}}) {
      if (differs) line += what;
    }
    if (change.data && change.bytes_changed) line += " " + std::to_string(*change.bytes_changed);
    lines.push_back(line);
  }
  return lines;
}

TEST(ModelDiff, IsEmptyForTheSameModel) {
  Subject subject;
  subject.Add("w", {4}, "abcd");
  const ModelDiff diff = Diff(subject, subject);
  EXPECT_TRUE(diff.same_file);
  EXPECT_THAT(diff.tensors, IsEmpty());
  EXPECT_THAT(diff.operators, IsEmpty());
}

TEST(ModelDiff, CountsTheBytesOfAWeightThatChanged) {
  Subject before, after;
  before.Add("w", {4}, "abcd");
  after.Add("w", {4}, "aXcX");
  EXPECT_THAT(Lines(before, after), ElementsAre("w w data 2"));
  EXPECT_FALSE(Diff(before, after).same_file);
  const TensorTotals totals = SumTensorChanges(Diff(before, after));
  EXPECT_EQ(totals.data_changed, 1u);
  EXPECT_EQ(totals.bytes_changed, 2u);
}

TEST(ModelDiff, TellsWhatElseOfATensorChanged) {
  Subject before, after;
  before.Add("w", {4}, "abcd");
  after.Add("w", {6}, "abcdef");
  before.Add("x", {1}, "");
  after.Add("x", {1}, "").type = TensorType::kFloat32;
  before.Add("q", {1}, "");
  after.Add("q", {1}, "").quantization = {{0.5f}, {3}, 0};
  before.Add("d", {1}, "");
  after.Add("d", {1}, "").shape_signature = {-1};
  EXPECT_THAT(Lines(before, after),
              ElementsAre("w w shape data", "x x type", "q q quantization", "d d shape"));
}

TEST(ModelDiff, TellsWhatCameAndWhatWent) {
  Subject before, after;
  before.Add("same", {1}, "");
  before.Add("old", {7}, "1234567");
  after.Add("new", {2}, "12");
  after.Add("same", {1}, "");
  EXPECT_THAT(Lines(before, after), ElementsAre("- new", "old -"));
  const ModelDiff diff = Diff(before, after);
  EXPECT_EQ(diff.tensors[0].bytes_after, 2u);
  EXPECT_EQ(diff.tensors[1].bytes_before, 7u);
  EXPECT_EQ(diff.sizes_before[0].constant_bytes, 7u);
  EXPECT_EQ(diff.sizes_after[0].constant_bytes, 2u);
}

// A converter counts through its layers' names, so the same layer has another one each time.
TEST(ModelDiff, KnowsATensorAgainThatGotAnotherName) {
  Subject before, after;
  before.Add("dense_1/kernel", {2, 2}, "abcd");
  before.Add("dense_2/kernel", {2, 2}, "efgh");
  after.Add("dense_3/kernel", {2, 2}, "abcd");
  after.Add("dense_4/kernel", {2, 2}, "efgX");
  EXPECT_THAT(Lines(before, after), ElementsAre("dense_1/kernel dense_3/kernel name",
                                                "dense_2/kernel dense_4/kernel name data 1"));
}

TEST(ModelDiff, TrustsNoNameThatIsANumberOnly) {
  Subject before, after;
  before.Add("arith.constant", {3}, "abc");
  before.Add("arith.constant1", {2}, "xy");
  after.Add("arith.constant", {5}, "12345");
  after.Add("arith.constant1", {3}, "abc");
  after.Add("arith.constant2", {2}, "xy");
  EXPECT_THAT(Lines(before, after),
              ElementsAre("- arith.constant", "arith.constant arith.constant1 name",
                          "arith.constant1 arith.constant2 name"));
}

TEST(ModelDiff, ComparesGraphByGraph) {
  Subject before(1), after(2);
  before.Add("w", {1}, "a");
  after.Add("w", {1}, "a");
  after.Add("w", {1}, "a", 1);
  const ModelDiff diff = Diff(before, after);
  ASSERT_EQ(diff.tensors.size(), 1u);
  EXPECT_EQ(diff.tensors[0].subgraph, 1u);
  EXPECT_EQ(diff.sizes_after.size(), 2u);
}

TEST(ModelDiff, CountsSharedDataOnce) {
  Subject subject;
  subject.Add("w", {3}, "abc");
  subject.model.subgraphs[0].tensors.push_back(subject.model.subgraphs[0].tensors[0]);
  EXPECT_EQ(Diff(subject, subject).sizes_before[0].constant_bytes, 3u);
}

TEST(ModelDiff, SumsOperatorsOverTheirVersions) {
  Subject before, after;
  before.model.operator_uses = {
      {"ADD", 1, false, 2}, {"CONV_2D", 1, false, 3}, {"MUL", 1, false, 1}, {"Beam", 1, true, 1}};
  after.model.operator_uses = {{"CONV_2D", 1, false, 1},
                               {"CONV_2D", 3, false, 2},
                               {"MUL", 1, false, 1},
                               {"TANH", 1, false, 1}};
  std::vector<std::string> lines;
  for (const OperatorChange& change : Diff(before, after).operators) {
    lines.push_back(
        change.name + (change.custom ? " custom " : " ") + std::to_string(change.count_before) +
        "v" + std::to_string(change.version_before) + " " + std::to_string(change.count_after) +
        "v" + std::to_string(change.version_after));
  }
  EXPECT_THAT(lines,
              ElementsAre("Beam custom 1v1 0v0", "TANH 0v0 1v1", "ADD 2v1 0v0", "CONV_2D 3v1 3v3"));
}

TEST(ModelDiff, RefusesToCompareTheSameBytesForEver) {
  Subject before, after;
  const std::string data(1000, 'x');
  for (int i = 0; i < 40; ++i) {
    before.Add("w" + std::to_string(i), {1000}, "");
    after.Add("w" + std::to_string(i), {1000}, "");
  }
  for (Subject* subject : {&before, &after}) {
    subject->file = data;
    uint32_t buffer = 0;
    for (Tensor& tensor : subject->model.subgraphs[0].tensors) {
      tensor.buffer_index = ++buffer;  // Forty buffers that are all the same bytes.
      tensor.buffer_bytes = data.size();
    }
  }
  const auto diff = CompareModels(before.bytes(), after.bytes());
  ASSERT_EQ(diff.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(diff.status().message(), HasSubstr("share their data so often"));
}

TEST(ModelDiff, ReadsRealModels) {
  std::vector<std::string> files;
  std::vector<Model> models;
  for (const char* name : {"digits_v1", "digits_v2"}) {
    std::ifstream file(std::string(GODWIT_SOURCE_DIR) + "/models/digits/" + name + ".tflite",
                       std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    auto model = ReadModel(Bytes(files.back()));
    ASSERT_TRUE(model.ok());
    models.push_back(*std::move(model));
  }
  const auto diff = CompareModels({models[0], Bytes(files[0])}, {models[1], Bytes(files[1])});
  ASSERT_TRUE(diff.ok());
  EXPECT_FALSE(diff->same_file);
  const TensorTotals totals = SumTensorChanges(*diff);
  EXPECT_GT(totals.data_changed, 0u);
  EXPECT_GT(totals.bytes_changed, 0u);
  // Every tensor is accounted for: paired, added or removed.
  EXPECT_EQ(models[0].subgraphs[0].tensors.size() + totals.added,
            models[1].subgraphs[0].tensors.size() + totals.removed);
}

}  // namespace
}  // namespace godwit::tflite
