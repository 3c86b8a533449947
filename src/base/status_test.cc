#include "base/status.h"

#include <gtest/gtest.h>

#include <string>

#include "base/result.h"

namespace godwit {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Status(StatusCode::kInvalidArgument, "odd number");
  return value / 2;
}

Result<int> Quarter(int value) {
  GODWIT_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(Status, PutsContextOutermostFirst) {
  const Status status = Status(StatusCode::kDataLoss, "checksum mismatch").WithContext("read x");
  EXPECT_EQ(status.WithContext("open store").ToString(),
            "DATA_LOSS: open store: read x: checksum mismatch");
}

TEST(Status, StaysOkUnderContext) { EXPECT_TRUE(Status::Ok().WithContext("open").ok()); }

TEST(Status, NamesAnUnlistedNumberUnknown) {
  EXPECT_EQ(StatusCodeName(static_cast<StatusCode>(9999)), "UNKNOWN");
}

TEST(Status, CarriesNotFoundAs404) { EXPECT_EQ(HttpStatusFromCode(StatusCode::kNotFound), 404); }

TEST(Result, ReturnsTheFirstErrorOfAChain) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).status().message(), "odd number");
  EXPECT_EQ(Quarter(7).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
