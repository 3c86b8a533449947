#include "server/jobs/model_intake.h"

#include <gtest/gtest.h>

#include "protocol/json.h"

namespace godwit::server {
namespace {

TEST(StructureJson, StaysWithinItsLimitWhateverTheModelSays) {
  tflite::Model model;
  tflite::Subgraph graph;
  for (int32_t i = 0; i < 3000; ++i) {
    tflite::Tensor tensor;
    tensor.name = std::string(2000, '\x01');
    tensor.shape.assign(5000, 2147483647);
    graph.tensors.push_back(tensor);
    graph.inputs.push_back(i);
  }
  model.subgraphs.push_back(graph);
  for (int i = 0; i < 2000; ++i) {
    tflite::Signature signature;
    signature.key = std::string(1000, 'k');
    signature.inputs.resize(2000);
    model.signatures.push_back(signature);
  }
  const std::string text = StructureJson(model);
  EXPECT_LE(text.size(), kStructureMaxBytes);
  const auto json = Json::Parse(text);
  ASSERT_TRUE(json.ok()) << json.status().message();
  EXPECT_GE((*json)["inputs"].items().size(), 10u);
}

TEST(StructureJson, CutsANameBetweenCharacters) {
  tflite::Model model;
  tflite::OperatorUse use;
  use.name = "x";
  while (use.name.size() < 2 * kStructureNameMaxBytes) use.name += "\xc3\xa9";
  model.operator_uses.push_back(use);
  const auto json = Json::Parse(StructureJson(model));
  ASSERT_TRUE(json.ok()) << json.status().message();
  const Json first = (*json)["operators"].items().at(0);
  EXPECT_EQ(first["name"].AsString(), use.name.substr(0, kStructureNameMaxBytes - 1));
}

}  // namespace
}  // namespace godwit::server
