#include "tflite/model_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace godwit::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Subject {
  Model model;
  ModelMetadata metadata;

  Subgraph& graph() { return model.subgraphs.front(); }
  Tensor& tensor(size_t index) { return graph().tensors[index]; }
};

Tensor MakeTensor(const std::string& name, TensorType type, std::vector<int32_t> shape) {
  Tensor tensor;
  tensor.name = name;
  tensor.type = type;
  tensor.shape = std::move(shape);
  return tensor;
}

// image, mask → scores, boxes; one signature over image and scores.
Subject Base() {
  Subject subject;
  subject.model.subgraphs.resize(1);
  Subgraph& graph = subject.graph();
  graph.tensors = {MakeTensor("image", TensorType::kFloat32, {1, 8, 8, 3}),
                   MakeTensor("mask", TensorType::kBool, {1, 8}),
                   MakeTensor("scores", TensorType::kInt8, {1, 3}),
                   MakeTensor("boxes", TensorType::kFloat32, {1, 4}),
                   MakeTensor("spare", TensorType::kFloat32, {1, 4})};
  graph.tensors[2].quantization = {{0.5f}, {-128}, 0};
  graph.inputs = {0, 1};
  graph.outputs = {2, 3};
  subject.model.signatures = {{"classify", 0, {{"x", 0}}, {{"y", 2}}}};
  subject.model.operator_uses = {{"CONV_2D", 1, false, 2}};
  subject.model.runtime_version = "1.5.0";
  subject.metadata.input_normalization = {{{127.5f}, {127.5f}}};
  subject.metadata.output_labels = {{"cat", "dog", "owl"}};
  return subject;
}

std::vector<std::string> Compare(const Subject& before, const Subject& after) {
  std::vector<std::string> lines;
  for (const ContractChange& change :
       CompareContracts({before.model, before.metadata}, {after.model, after.metadata})) {
    lines.push_back(std::string(change.breaks ? "breaks: " : "fine: ") + change.where + " " +
                    std::string(ContractChangeName(change.kind)) + ": " + change.before + " -> " +
                    change.after);
  }
  return lines;
}

TEST(ModelContract, IsTheSameForTheSameModel) { EXPECT_THAT(Compare(Base(), Base()), IsEmpty()); }

struct Row {
  std::function<void(Subject&)> change;
  std::string expected;  // The gravest; an output that is another one may differ in more.
};

void CheckRows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    Subject after = Base();
    row.change(after);
    const std::vector<std::string> found = Compare(Base(), after);
    EXPECT_EQ(found.empty() ? "" : found.front(), row.expected);
  }
}

TEST(ModelContract, SaysWhichChangesOfInputsAndOutputsBreakApps) {
  CheckRows({
      {[](Subject& s) { s.graph().inputs = {0}; },
       "breaks: input 1 'mask' missing: bool [1, 8] -> "},
      {[](Subject& s) { s.graph().inputs = {0, 1, 4}; },
       "breaks: input 2 'spare' added:  -> float32 [1, 4]"},
      {[](Subject& s) { s.graph().outputs = {2}; },
       "breaks: output 1 'boxes' missing: float32 [1, 4] -> "},
      {[](Subject& s) { s.graph().outputs = {2, 3, 4}; },
       "fine: output 2 'spare' added:  -> float32 [1, 4]"},
      {[](Subject& s) { s.tensor(1).name = "cover"; },
       "breaks: input 1 'mask' renamed: 'mask' -> 'cover'"},
      {[](Subject& s) { s.tensor(0).type = TensorType::kUint8; },
       "breaks: input 0 'image' type: float32 -> uint8"},
      {[](Subject& s) { s.tensor(0).shape = {1, 9, 8, 3}; },
       "breaks: input 0 'image' shape: [1, 8, 8, 3] -> [1, 9, 8, 3]"},
      {[](Subject& s) { s.tensor(0).shape = {8, 8, 3}; },
       "breaks: input 0 'image' shape: [1, 8, 8, 3] -> [8, 8, 3]"},
      {[](Subject& s) { s.tensor(0).shape_signature = {-1, 8, 8, 3}; },
       "fine: input 0 'image' shape: [1, 8, 8, 3] -> [?, 8, 8, 3]"},
      {[](Subject& s) {
         s.tensor(0).shape = {1, 1, 8, 3};
         s.tensor(0).shape_signature = {1, -1, 8, 3};
       },
       "breaks: input 0 'image' shape: [1, 8, 8, 3] -> [1, ?, 8, 3]"},
      {[](Subject& s) { s.tensor(2).quantization.scale = {0.25f}; },
       "breaks: output 0 'scores' quantization: scale 0.5, zero point -128 -> scale 0.25, zero "
       "point -128"},
      {[](Subject& s) { s.tensor(2).quantization = {}; },
       "breaks: output 0 'scores' quantization: scale 0.5, zero point -128 -> none"},
  });
}

TEST(ModelContract, SaysWhichChangesAroundTheGraphBreakApps) {
  CheckRows({
      {[](Subject& s) { s.model.signatures.front().key = "detect"; },
       "breaks: signature 'classify' missing: 'classify' -> "},
      {[](Subject& s) { s.model.signatures.push_back({"detect", 0, {}, {}}); },
       "fine: signature 'detect' added:  -> 'detect'"},
      {[](Subject& s) { s.model.signatures.front().inputs.push_back({"m", 1}); },
       "breaks: signature 'classify', input 'm' added:  -> bool [1, 8]"},
      {[](Subject& s) { s.model.signatures.front().outputs.push_back({"z", 3}); },
       "fine: signature 'classify', output 'z' added:  -> float32 [1, 4]"},
      {[](Subject& s) { s.model.signatures.front().outputs.clear(); },
       "breaks: signature 'classify', output 'y' missing: int8 [1, 3] -> "},
      {[](Subject& s) { s.model.signatures.front().outputs = {{"y", 3}}; },
       "breaks: signature 'classify', output 'y' type: int8 -> float32"},
      {[](Subject& s) { s.metadata.output_labels[0][1] = "fox"; },
       "breaks: output 0 labels: 1 is 'dog' -> 1 is 'fox'"},
      {[](Subject& s) { s.metadata.output_labels[0].push_back("fox"); },
       "breaks: output 0 labels: 3 labels -> 4 labels"},
      {[](Subject& s) { s.metadata.output_labels.clear(); },
       "breaks: output 0 labels: 3 labels -> none"},
      {[](Subject& s) { s.metadata.output_labels.push_back({"left"}); },
       "fine: output 1 labels: none -> 1 labels"},
      {[](Subject& s) { s.metadata.input_normalization[0].mean = {0}; },
       "breaks: input 0 normalization: mean 127.5, std 127.5 -> mean 0, std 127.5"},
      {[](Subject& s) { s.metadata.input_normalization.push_back({{0, 1}, {2, 3}}); },
       "fine: input 1 normalization: none -> mean [0, …] (2), std [2, …] (2)"},
      {[](Subject& s) { s.model.operator_uses.push_back({"Beam", 1, true, 1}); },
       "breaks: custom operator 'Beam' added:  -> 'Beam'"},
      {[](Subject& s) { s.model.runtime_version = "2.5.0"; },
       "fine: the oldest runtime that can run it runtimeVersion: 1.5.0 -> 2.5.0"},
      {[](Subject& s) { s.model.operator_uses.front().count = 7; }, ""},
      {[](Subject& s) { s.tensor(0).quantization = {{1.0f}, {0}, 0}; }, ""},  // Of float numbers.
  });
}

TEST(ModelContract, SeesThatInputsChangedPlaces) {
  Subject after = Base();
  after.graph().inputs = {1, 0};
  EXPECT_THAT(Compare(Base(), after),
              ElementsAre("breaks: input 0 'image' moved: input 0 -> input 1",
                          "breaks: input 1 'mask' moved: input 1 -> input 0"));
}

TEST(ModelContract, SeesWhichInputIsGoneAndWhichOnlyMoved) {
  Subject after = Base();
  after.graph().inputs = {1};
  EXPECT_THAT(Compare(Base(), after),
              ElementsAre("breaks: input 0 'image' missing: float32 [1, 8, 8, 3] -> ",
                          "breaks: input 1 'mask' moved: input 1 -> input 0"));
}

TEST(ModelContract, AllowsMoreForAnOutputThatWasDynamic) {
  for (const bool output : {true, false}) {
    Subject before = Base();
    before.tensor(output ? 3 : 0).shape_signature =
        output ? std::vector<int32_t>{-1, 4} : std::vector<int32_t>{-1, 8, 8, 3};
    const std::vector<std::string> found = Compare(before, Base());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].starts_with("fine"), output) << found[0];
  }
}

TEST(ModelContract, ReportsATensorOnceThatASignatureNames) {
  Subject after = Base();
  after.tensor(0).type = TensorType::kUint8;
  EXPECT_THAT(Compare(Base(), after),
              ElementsAre("breaks: input 0 'image' type: float32 -> uint8"));
}

TEST(ModelContract, PutsWhatBreaksFirst) {
  Subject after = Base();
  after.tensor(0).shape_signature = {-1, 8, 8, 3};
  after.model.signatures.clear();
  EXPECT_THAT(Compare(Base(), after),
              ElementsAre("breaks: signature 'classify' missing: 'classify' -> ",
                          "fine: input 0 'image' shape: [1, 8, 8, 3] -> [?, 8, 8, 3]"));
}

TEST(ModelContract, ComparesByPlaceWhereNamesAreNotUnique) {
  Subject before = Base();
  before.tensor(0).name = before.tensor(1).name = "in";
  EXPECT_THAT(Compare(before, before), IsEmpty());
}

}  // namespace
}  // namespace godwit::tflite
