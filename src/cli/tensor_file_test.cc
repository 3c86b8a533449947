#include "cli/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Npy(const std::string& header, const std::string& data) {
  std::string text = "\x93NUMPY\x01";
  text += '\0';
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  return text + header + data;
}

Result<TensorFile> Parse(std::string_view name, std::string_view text, size_t expected_bytes) {
  return ParseTensorFile(name, std::as_bytes(std::span(text)), expected_bytes);
}

TEST(TensorFile, ReadsNumPysFormat) {
  const auto tensor = Parse(
      "x.npy",
      Npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }  \n", "abcdefghijkl"), 99);
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_EQ(tensor->type, tflite::TensorType::kInt16);
  EXPECT_THAT(tensor->shape, ElementsAre(2, 3));
  EXPECT_EQ(tensor->bytes.size(), 12U);
}

TEST(TensorFile, ReadsAScalarAndAVector) {
  const auto scalar =
      Parse("x", Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "a"), 4);
  ASSERT_TRUE(scalar.ok()) << scalar.status().ToString();
  EXPECT_TRUE(scalar->shape.empty());
  const auto vector =
      Parse("x", Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "abc"), 4);
  ASSERT_TRUE(vector.ok()) << vector.status().ToString();
  EXPECT_THAT(vector->shape, ElementsAre(3));
}

TEST(TensorFile, RefusesADamagedNumPyFileAndSaysWhy) {
  const struct {
    std::string text;
    const char* message;
  } rows[] = {
      {"\x93NUMPY", "cut short"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "abc"), "promises 8 bytes"},
      {Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "abcd"), "Fortran"},
      {Npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "abcd"), "'>f4'"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "abcd"), "shape"},
      {Npy("{'descr': '<f4', 'fortran_order': False, }", "abcd"), "no shape"},
      {Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647, 4), }", ""),
       "too large"},
      {"\x93NUMPY\x01" + std::string(1, '\0') + "\xFF\xFF{}", "cut short"},
  };
  for (const auto& row : rows) {
    const auto tensor = Parse("x.npy", row.text, 4);
    ASSERT_FALSE(tensor.ok()) << row.message;
    EXPECT_THAT(tensor.status().message(), HasSubstr(row.message));
  }
}

TEST(TensorFile, ReadsNestedJsonWithItsShape) {
  const auto tensor = Parse("-", " [[1, 2.5], [3, -4], [5, 6]]\n", 99);
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_TRUE(tensor->is_json);
  EXPECT_THAT(tensor->shape, ElementsAre(3, 2));
  EXPECT_THAT(tensor->values, ElementsAre(1, 2.5, 3, -4, 5, 6));
}

TEST(TensorFile, RefusesJsonThatIsNoTensor) {
  for (const char* text :
       {"[[1, 2], [3]]", "[1, [2]]", "[[1], 2]", "[\"a\"]", "{}", "[[[[[[[[[1]]]]]]]]]", "[1,"}) {
    EXPECT_FALSE(Parse("x.json", text, 4).ok()) << text;
  }
}

TEST(TensorFile, TakesRawBytesOfTheRightCountOnly) {
  EXPECT_EQ(Parse("x.bin", "[abc", 4)->bytes.size(), 4U);
  const auto wrong = Parse("x.bin", "abc", 4);
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.status().message(), HasSubstr("has 3 where the model takes 4"));
}

}  // namespace
}  // namespace godwit::cli
