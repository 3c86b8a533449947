#include "server/registry/filter.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

Model MakeModel(std::string name, std::vector<std::string> tags, bool published) {
  Model model;
  model.display_name = std::move(name);
  model.tags = std::move(tags);
  model.latest = 1;
  model.published = published ? 1 : 0;
  return model;
}

TEST(Filter, SelectsByTheGrammar) {
  const Model models[] = {MakeModel("face", {"a", "vision"}, true),
                          MakeModel("face-two", {"b"}, false), MakeModel("voice", {}, true)};
  const struct {
    const char* text;
    const char* matches;  // One digit a model.
  } rows[] = {
      {"", "111"},
      {"  ", "111"},
      {"display_name = face", "100"},
      {"displayName=face", "100"},
      {"displayName=\"face\"", "100"},
      {"display_name='face'", "100"},
      {"display_name != face", "011"},
      {"display_name : face*", "110"},
      {"displayName:face*", "110"},
      {"display_name = face*", "110"},
      {"display_name : fac", "110"},
      {"display_name : ce", "111"},
      {"display_name = Face", "000"},
      {"tags: a", "100"},
      {"tags:'vision'", "100"},
      {"tags:v*", "100"},
      {"tags: visio", "000"},
      {"state.published = true", "101"},
      {"state.published=false", "010"},
      {"NOT state.published=true", "010"},
      {"-state.published=true", "010"},
      {"displayName=voice OR tags:b", "011"},
      {"display_name=face AND tags:a", "100"},
      {"display_name=face AND tags:b", "000"},
      {"display_name=face tags:a", "100"},
      // OR binds tighter than AND.
      {"tags:a OR tags:b AND state.published=true", "100"},
      {"state.published=true AND tags:a OR tags:b", "100"},
      {"(state.published=true AND tags:a) OR tags:b", "110"},
      {"NOT (tags:a OR tags:b)", "001"},
      {"((display_name=voice))", "001"},
      {"display_name=ANDroid", "000"},
  };
  for (const auto& row : rows) {
    const auto filter = Filter::Parse(row.text);
    ASSERT_TRUE(filter.ok()) << row.text << ": " << filter.status().ToString();
    std::string matches;
    for (const Model& model : models) matches += (*filter)->Matches(model) ? '1' : '0';
    EXPECT_EQ(matches, row.matches) << row.text;
  }
}

TEST(Filter, KnowsTheOneNameThatMayMatch) {
  const struct {
    const char* text;
    std::optional<std::string_view> name;
  } rows[] = {
      {"displayName=face", "face"},
      {"tags:a AND (display_name='face' AND tags:b)", "face"},
      {"displayName=face*", std::nullopt},
      {"displayName:face", std::nullopt},
      {"displayName!=face", std::nullopt},
      {"NOT displayName=face", std::nullopt},
      {"displayName=face OR tags:a", std::nullopt},
      {"tags=face", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Filter::Parse(row.text).value()->ExactName(), row.name) << row.text;
  }
}

TEST(Filter, RefusesWhatIsNoFilter) {
  const std::string deep = std::string(100, '(') + "tags:a" + std::string(100, ')');
  const std::string long_text = "display_name=" + std::string(Filter::kBytesMax, 'x');
  const std::string rows[] = {"InvalidFilterParam=123",
                              "invalidFilterItem=foo",
                              "display_name",
                              "display_name =",
                              "display_name ~ x",
                              "= face",
                              "tags:a AND",
                              "AND tags:a",
                              "tags:a OR",
                              "(tags:a",
                              "tags:a)",
                              "()",
                              "NOT",
                              "display_name='face",
                              "display_name=f*ce",
                              "state.published=yes",
                              "\"face\"",
                              deep,
                              long_text};
  for (const std::string& row : rows) {
    EXPECT_EQ(Filter::Parse(row).status().code(), StatusCode::kInvalidArgument) << row;
  }
}

TEST(Filter, SaysWhereTheMistakeIs) {
  EXPECT_EQ(Filter::Parse("tags:a AND color=red").status().message(),
            "filter, at character 17: a field is expected: display_name, tags or state.published");
}

}  // namespace
}  // namespace godwit::server
