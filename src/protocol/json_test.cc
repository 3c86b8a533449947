#include "protocol/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit {
namespace {

using ::testing::HasSubstr;

TEST(Json, ReadsEveryKindOfValue) {
  const auto parsed = Json::Parse(
      R"({"a":[1,-2,3.5,1e3],"s":"x\u00e9\ud83d\ude00\n","t":true,"n":null,"big":"9007199254740993"})");
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  const Json& json = *parsed;
  EXPECT_EQ(json["a"].items().size(), 4u);
  EXPECT_EQ(json["a"].items()[1].AsInt(), -2);
  EXPECT_EQ(json["a"].items()[2].AsDouble(), 3.5);
  EXPECT_EQ(json["s"].AsString(), "x\xC3\xA9\xF0\x9F\x98\x80\n");
  EXPECT_TRUE(json["t"].AsBool());
  EXPECT_TRUE(json.Has("n"));
  EXPECT_TRUE(json["n"].is_null());
  EXPECT_EQ(json["big"].AsInt(), 9007199254740993);
  EXPECT_FALSE(json.Has("missing"));
  EXPECT_EQ(json["missing"]["deeper"].AsInt(7), 7);
}

TEST(Json, ReadsATextAndRefusesOtherKinds) {
  const Json json = Json::Object({{"name", "face"}, {"tags", Json::Array()}, {"note", Json()}});
  std::string text = "kept";
  EXPECT_TRUE(json.ReadString("missing", &text).ok());
  EXPECT_TRUE(json.ReadString("note", &text).ok());
  EXPECT_EQ(text, "kept");
  EXPECT_TRUE(json.ReadString("name", &text).ok());
  EXPECT_EQ(text, "face");
  EXPECT_EQ(json.ReadString("tags", &text).message(), "tags must be a text");
  EXPECT_EQ(text, "face");
}

TEST(Json, RefusesWhatIsNotOneValueAndSaysWhere) {
  const struct {
    const char* text;
    const char* place;
  } kRows[] = {
      {"", "line 1, column 1"},    {"{\"a\":1,\n \"b\":x}", "line 2, column 6"},
      {"{\"a\":1", "line 1"},      {"[1,]", "line 1"},
      {"1 2", "line 1, column 3"}, {"{} x", "line 1, column 4"},
      {"\"\x01\"", "line 1"},      {"\"\xff\"", "line 1"},
      {"NaN", "line 1"},           {"01", "line 1"},
      {"1e999", "line 1"},         {"'a'", "line 1"},
      {"\"\\ud800\"", "line 1"},
  };
  for (const auto& row : kRows) {
    const auto parsed = Json::Parse(row.text);
    ASSERT_FALSE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(parsed.status().message(), HasSubstr(row.place)) << row.text;
  }
}

TEST(Json, KeepsItsLimits) {
  EXPECT_FALSE(Json::Parse("[1,2,3]", {.bytes_max = 6}).ok());
  EXPECT_TRUE(Json::Parse("[1,2,3]", {.bytes_max = 7}).ok());
  EXPECT_TRUE(Json::Parse("[[[]]]", {.depth_max = 3}).ok());
  EXPECT_FALSE(Json::Parse("[[[[]]]]", {.depth_max = 3}).ok());
  EXPECT_FALSE(Json::Parse(std::string(1'000'000, '[')).ok());
  std::string many = "[0";
  for (int i = 2; i < 10'000; ++i) many += ",0";
  EXPECT_TRUE(Json::Parse(many + "]", {.bytes_max = 64 << 10}).ok());
  EXPECT_THAT(Json::Parse(many + ",0,0]", {.bytes_max = 64 << 10}).status().message(),
              HasSubstr("more than 10000 values at line 1"));
}

TEST(Json, KeepsTheOrderOfMembersAndTheLastOfADuplicate) {
  const auto parsed = Json::Parse(R"({"z":1,"a":2,"z":3})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Serialize(), R"({"a":2,"z":3})");
}

TEST(Json, WritesWhatItReads) {
  const char* const kTexts[] = {
      R"({"a":[1,-2,3.5,[],{}],"b":{"c":null,"d":false},"e":""})",
      R"(["\"\\\n\t\u0001/"])",
      "-9223372036854775808",
      "2.0",
      "\"\xC3\xA9\"",
  };
  for (const char* text : kTexts) {
    const auto parsed = Json::Parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->Serialize(), text);
    EXPECT_EQ(Json::Parse(parsed->Serialize(2)).value(), *parsed);
  }
}

TEST(Json, ReadsTheNearestDouble) {
  struct Row {
    const char* text;
    double want;
  };
  const Row rows[] = {{"-2.5e-67", -2.5e-67},
                      {"0.1", 0.1},
                      {"1.7976931348623157e308", 1.7976931348623157e308},
                      {"1e-400", 0.0},
                      {"123456789.123456789", 123456789.123456789},
                      {"9007199254740993.0", 9007199254740992.0}};
  for (const Row& row : rows) {
    const auto json = Json::Parse(row.text);
    ASSERT_TRUE(json.ok()) << row.text;
    EXPECT_EQ(json->AsDouble(), row.want) << row.text;
  }
  const auto list = Json::Parse("[1,-2.5e-67,-9,2.5,3]");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->Serialize(), "[1,-2.5e-67,-9,2.5,3]");
}

TEST(Json, IndentsForPeople) {
  Json json = Json::Object();
  json.Set("name", "face").Set("tags", Json::Array({"a", "b"})).Set("name", "pose");
  EXPECT_EQ(json.Serialize(2),
            "{\n  \"name\": \"pose\",\n  \"tags\": [\n    \"a\",\n    \"b\"\n  ]\n}");
}

TEST(Json, ReplacesInvalidUtf8WhenItWrites) {
  EXPECT_EQ(Json("a\xff"
                 "b\xC3")
                .Serialize(),
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\"");
  EXPECT_EQ(Json("\xED\xA0\x80").Serialize(), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace godwit
