#include "protocol/model_address.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(ModelAddress, ReadsItsThreeForms) {
  EXPECT_EQ(ModelAddress::Parse("face").value(), (ModelAddress{"face", 0, ""}));
  EXPECT_EQ(ModelAddress::Parse("face@7").value(), (ModelAddress{"face", 7, ""}));
  EXPECT_EQ(ModelAddress::Parse("Face_2-x@stable").value(),
            (ModelAddress{"Face_2-x", 0, "stable"}));
  EXPECT_EQ(ModelAddress::Parse("1@a2").value(), (ModelAddress{"1", 0, "a2"}));
}

TEST(ModelAddress, WritesWhatItReads) {
  for (const char* text : {"face", "face@7", "face@stable", "0@9223372036854775807"}) {
    EXPECT_EQ(ModelAddress::Parse(text).value().ToString(), text);
  }
}

TEST(ModelAddress, RefusesEverythingElse) {
  const std::string kRows[] = {"",
                               "@7",
                               "face@",
                               "face@0",
                               "face@07",
                               "face@-1",
                               "face@7@8",
                               "face/7",
                               "fa ce",
                               "\xC3\xA4",
                               "face@a/b",
                               "face@+1",
                               "face@2a",
                               "face@Stable",
                               "face@_a",
                               "face:1",
                               "face@9223372036854775808",
                               std::string(33, 'a'),
                               "a@" + std::string(33, 'b'),
                               std::string("a\0b", 3)};
  for (const std::string& text : kRows) {
    const auto parsed = ModelAddress::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(ModelAddress::Parse(std::string(32, 'a')).ok());
}

TEST(ModelAddress, KnowsAProjectId) {
  EXPECT_TRUE(IsProjectId("godwit"));
  EXPECT_FALSE(IsProjectId("short"));
  EXPECT_FALSE(IsProjectId("Upper-case"));
  EXPECT_FALSE(IsProjectId(std::string(31, 'a')));
}

}  // namespace
}  // namespace godwit
