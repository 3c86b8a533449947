#include "inference/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/error_text.h"

namespace godwit {
namespace {

using ::testing::HasSubstr;

std::string RuntimeFolder() { return std::string(GODWIT_SOURCE_DIR) + "/build/runtime"; }

TEST(Runtime, SaysHowToGetOneWhenThereIsNone) {
  RuntimeSearch nowhere;
  nowhere.folders = {"/no/such/folder"};
  RuntimeSearch named;
  named.explicit_path = "/no/such/library.so";
  RuntimeSearch environment;
  environment.environment_path = "/no/such/library.so";
  for (const RuntimeSearch& search : {nowhere, named, environment}) {
    const Result<Runtime> runtime = Runtime::Load(search);
    EXPECT_EQ(runtime.status().code(), StatusCode::kRuntimeMissing);
    EXPECT_THAT(runtime.status().message(), HasSubstr("scripts/fetch-runtime"));
    EXPECT_THAT(runtime.status().message(), HasSubstr("GODWIT_TFLITE_LIBRARY"));
  }
}

TEST(Runtime, RefusesALibraryOfAnotherKind) {
  RuntimeSearch search;
  search.explicit_path = "libm.so.6";
  const Result<Runtime> runtime = Runtime::Load(search);
  EXPECT_EQ(runtime.status().code(), StatusCode::kRuntimeMissing);
  EXPECT_THAT(runtime.status().message(), HasSubstr("it lacks TfLiteVersion"));
}

TEST(Runtime, TakesTheExplicitPathThenTheEnvironmentThenTheFolders) {
  RuntimeSearch search;
  search.folders = {"/no/such/folder", RuntimeFolder()};
  Result<Runtime> runtime = Runtime::Load(search);
  ASSERT_TRUE(runtime.ok()) << runtime.status().ToString();
  EXPECT_THAT(runtime->path, HasSubstr("build/runtime/libtensorflowlite_c"));
  const std::string found = runtime->path;
  search.environment_path = "/no/such/environment.so";
  EXPECT_THAT(Runtime::Load(search).status().message(), HasSubstr("environment.so"));
  search.explicit_path = found;
  EXPECT_TRUE(Runtime::Load(search).ok());
}

// This test program lies in build/PRESET/tests, as a program does in build/PRESET/bin.
TEST(Runtime, IsFoundFromAProgramInTheBuildTree) {
  RuntimeSearch search = DefaultRuntimeSearch("");
  search.environment_path.clear();
  const Result<Runtime> runtime = Runtime::Load(search);
  ASSERT_TRUE(runtime.ok()) << runtime.status().ToString();
  EXPECT_TRUE(runtime->symbols.has_xnnpack());
}

TEST(ErrorText, KeepsTheWordsAndDropsThePaths) {
  EXPECT_EQ(WithoutSourcePaths("/root/.cache/x/tensorflow/lite/kernels/add.cc:12 a != b (1 != 2)"),
            "add.cc:12 a != b (1 != 2)");
  EXPECT_EQ(WithoutSourcePaths("external/lite/core/c/common.h:9 bad; see https://x.y/z"),
            "common.h:9 bad; see https://x.y/z");
  EXPECT_EQ(WithoutSourcePaths(""), "");
}

void Say(ErrorText& text, const char* format, ...) __attribute__((format(printf, 2, 3)));
void Say(ErrorText& text, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  ErrorText::Report(&text, format, arguments);
  va_end(arguments);
}

TEST(ErrorText, JoinsLinesAndStopsAtItsSize) {
  ErrorText text;
  EXPECT_EQ(text.Take(), "the library gave no reason");
  Say(text, "node %d", 7);
  Say(text, "failed.");
  EXPECT_EQ(text.Take(), "node 7; failed");
  for (int i = 0; i < 1000; ++i) Say(text, "line %d of many", i);
  EXPECT_LT(text.Take().size(), 4096u);
}

}  // namespace
}  // namespace godwit
