#include "inference/delegate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit {
namespace {

using ::testing::ElementsAre;

Runtime FakeRuntime(const char* version, bool xnnpack) {
  Runtime runtime;
  runtime.version = version;
  if (xnnpack) {
    runtime.symbols.xnnpack_create = [](const void*) -> TfLiteDelegate* { return nullptr; };
    runtime.symbols.xnnpack_delete = [](TfLiteDelegate*) {};
  }
  return runtime;
}

TEST(DelegateLadder, EndsWithPlainKernels) {
  EXPECT_THAT(DelegateLadder(FakeRuntime("2.21.0", true), true),
              ElementsAre(DelegateKind::kXnnpack, DelegateKind::kNone));
  EXPECT_THAT(
      DelegateLadder(FakeRuntime("2.9.0", true), true),
      ElementsAre(DelegateKind::kXnnpackSignedInt8, DelegateKind::kXnnpack, DelegateKind::kNone));
  EXPECT_THAT(DelegateLadder(FakeRuntime("2.14.1", false), true), ElementsAre(DelegateKind::kNone));
  EXPECT_THAT(DelegateLadder(FakeRuntime("2.21.0", true), false), ElementsAre(DelegateKind::kNone));
}

TEST(CreateDelegate, IsNothingWhereTheLibraryRefuses) {
  EXPECT_EQ(CreateDelegate(FakeRuntime("2.21.0", true), DelegateKind::kXnnpack, 4), nullptr);
  EXPECT_EQ(CreateDelegate(FakeRuntime("2.9.0", true), DelegateKind::kXnnpackSignedInt8, 1),
            nullptr);
  EXPECT_EQ(CreateDelegate(FakeRuntime("2.21.0", true), DelegateKind::kNone, 1), nullptr);
}

}  // namespace
}  // namespace godwit
