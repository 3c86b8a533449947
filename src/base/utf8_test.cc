#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit {
namespace {

TEST(Utf8, TellsWellFormedTextFromOther) {
  const struct {
    const char* what;
    std::string text;
    bool ok;
  } rows[] = {
      {"nothing", "", true},
      {"ASCII", "face", true},
      {"NUL", std::string(1, '\0'), true},
      {"two bytes", "\xC3\xA9", true},
      {"three bytes", "\xE2\x82\xAC", true},
      {"four bytes", "\xF0\x9F\x98\x80", true},
      {"the last character", "\xF4\x8F\xBF\xBF", true},
      {"a byte that never comes", "\xFF", false},
      {"a tail alone", "a\x80", false},
      {"a cut sequence", "\xE2\x82", false},
      {"a slash in two bytes", "\xC0\xAF", false},
      {"a slash in three bytes", "\xE0\x80\xAF", false},
      {"a slash in four bytes", "\xF0\x80\x80\xAF", false},
      {"a surrogate", "\xED\xA0\x80", false},
      {"beyond the last character", "\xF4\x90\x80\x80", false},
  };
  for (const auto& row : rows) EXPECT_EQ(IsUtf8(row.text), row.ok) << row.what;
}

TEST(Utf8, TellsWhatMayBeShown) {
  EXPECT_TRUE(IsPrintableUtf8("a b/\xC3\xA9"));
  for (const char* text : {"a\n", "\x1B[2J", "\x7F", "\xFF"})
    EXPECT_FALSE(IsPrintableUtf8(text)) << text;
}

}  // namespace
}  // namespace godwit
