#include "cli/version_structure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Json Parsed(const char* text) {
  auto json = Json::Parse(text);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  return *json;
}

constexpr const char* kVersion = R"({
  "inputs": [{"name": "image", "type": "float32", "shape": [-1, 8, 8, 1]}],
  "outputs": [{"name": "scores", "type": "float32", "shape": [-1, 10]}],
  "signatures": [{"key": "serving_default", "inputs": ["image"], "outputs": ["scores"]}],
  "operators": [{"name": "CONV_2D", "version": 1, "custom": false, "count": 3}]})";

TEST(VersionStructure, BreaksNothingWhereItIsTheSame) {
  EXPECT_THAT(BreakingChanges(Parsed(kVersion), Parsed(kVersion)), IsEmpty());
}

TEST(VersionStructure, NamesWhatBreaks) {
  const Json after = Parsed(R"({
    "inputs": [{"name": "image", "type": "uint8", "shape": [-1, 9, 8, 1]}],
    "outputs": [{"name": "scores", "type": "float32", "shape": [10]},
                {"name": "extra", "type": "float33", "shape": [1]}],
    "signatures": [{"key": "serving_default", "inputs": ["pixels"], "outputs": ["scores"]}],
    "operators": [{"name": "Beam", "version": 1, "custom": true, "count": 1}]})");
  EXPECT_THAT(BreakingChanges(Parsed(kVersion), after),
              ElementsAre("input 0 'image': type float32 -> uint8",
                          "input 0 'image': shape [?, 8, 8, 1] -> [?, 9, 8, 1]",
                          "output 0 'scores': shape [?, 10] -> [10]",
                          "signature 'serving_default', input 'image': is gone",
                          "signature 'serving_default', input 'pixels': is new",
                          "custom operator 'Beam': is new"));
}

TEST(VersionStructure, SurvivesAnyJson) {
  for (const char* text : {"{}", R"({"inputs": [1, {"shape": [1e99, "x", 99999999999]}]})",
                           R"({"signatures": {"key": 1}, "operators": [null], "outputs": "x"})"}) {
    (void)BreakingChanges(Parsed(kVersion), Parsed(text));
    (void)BreakingChanges(Parsed(text), Parsed(kVersion));
  }
}

}  // namespace
}  // namespace godwit::cli
