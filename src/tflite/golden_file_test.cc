#include "tflite/golden_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace godwit::tflite {
namespace {

using ::testing::HasSubstr;

std::vector<GoldenCase> Cases() {
  const GoldenTensor image{"image", TensorType::kInt8, {1, 2, 3}, "abcdef"};
  const GoldenTensor scalar{"", TensorType::kFloat32, {}, std::string(4, '\0')};
  return {{"first", {image, scalar}, {scalar}, 0.5f, 0.25f, 40},
          {"", {}, {{"nothing", TensorType::kInt64, {0, 7}, ""}}, 0, 0, 0}};
}

Result<std::vector<GoldenCase>> Parse(std::string_view bytes) {
  return ParseGoldenFile(std::as_bytes(std::span(bytes)));
}

TEST(GoldenFile, ReadsWhatItWrote) {
  const auto read = Parse(EncodeGoldenFile(Cases()));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, Cases());
}

TEST(GoldenFile, RefusesEveryCutAndWhatFollowsTheEnd) {
  const std::string bytes = EncodeGoldenFile(Cases());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Parse(bytes.substr(0, size)).status().code(), StatusCode::kInvalidArgument) << size;
  }
  EXPECT_THAT(Parse(bytes + "x").status().message(), HasSubstr("more bytes"));
}

TEST(GoldenFile, RefusesWhatIsOutsideTheLimits) {
  struct Row {
    const char* message;
    std::function<void(std::vector<GoldenCase>&)> spoil;
  };
  const Row rows[] = {
      {"no case", [](auto& cases) { cases.clear(); }},
      {"number of cases is too large", [](auto& cases) { cases.resize(kGoldenCasesMax + 1); }},
      {"number of tensors is too large",
       [](auto& cases) { cases[0].inputs.resize(kGoldenTensorsMax + 1); }},
      {"dimensions is too large", [](auto& cases) { cases[0].inputs[0].shape.assign(9, 1); }},
      {"name is too large", [](auto& cases) { cases[0].name.assign(257, 'x'); }},
      {"another size", [](auto& cases) { cases[0].inputs[0].bytes += "g"; }},
      {"a dimension is too large", [](auto& cases) { cases[0].inputs[0].shape[0] = -1; }},
      {"too large", [](auto& cases) { cases[0].inputs[0].shape.assign(8, INT32_MAX); }},
      {"without a fixed size", [](auto& cases) { cases[0].inputs[0].type = TensorType::kString; }},
      {"no distance", [](auto& cases) { cases[0].absolute_tolerance = -1; }},
      {"no distance",
       [](auto& cases) { cases[0].relative_tolerance = std::numeric_limits<float>::quiet_NaN(); }},
  };
  for (const Row& row : rows) {
    std::vector<GoldenCase> cases = Cases();
    row.spoil(cases);
    const auto read = Parse(EncodeGoldenFile(cases));
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(read.status().message(), HasSubstr(row.message));
  }
  EXPECT_THAT(Parse("GWGF\2\0\0\0").status().message(), HasSubstr("cut short"));
}

TEST(GoldenFile, RefusesOtherFilesAndLaterFormats) {
  std::string bytes = EncodeGoldenFile(Cases());
  bytes[4] = 2;
  EXPECT_THAT(Parse(bytes).status().message(), HasSubstr("format 2"));
  EXPECT_THAT(Parse("TFL3" + bytes).status().message(), HasSubstr("another beginning"));
  EXPECT_THAT(Parse(std::string(kGoldenFileMaxBytes + 1, 'x')).status().message(),
              HasSubstr("16 MiB"));
}

}  // namespace
}  // namespace godwit::tflite
