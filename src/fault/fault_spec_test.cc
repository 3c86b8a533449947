#include "fault/fault_spec.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(FaultSpec, ReadsEveryFault) {
  const auto spec = ParseFaultSpec(
      "latency=2s~500ms,rate=20k,slice=100~5ms,slow-close=1s,timeout=50ms,limit=64k,drop@70%,reset,"
      "reset@0%*2,corrupt:check,range-ignored,expire*3,portal:token+check,503*1:check,seed=7");
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->seed, 7u);
  const struct {
    FaultKind kind;
    uint64_t value;
    uint64_t second;
    int percent;
    int times;
    uint32_t phases;
  } kRows[] = {
      {FaultKind::kLatency, 2000, 500, -1, -1, 7}, {FaultKind::kRate, 20'000, 0, -1, -1, 7},
      {FaultKind::kSlice, 100, 5, -1, -1, 7},      {FaultKind::kSlowClose, 1000, 0, -1, -1, 7},
      {FaultKind::kTimeout, 50, 0, -1, -1, 7},     {FaultKind::kLimit, 64'000, 0, -1, -1, 7},
      {FaultKind::kDrop, 0, 0, 70, -1, 4},         {FaultKind::kReset, 0, 0, -1, -1, 7},
      {FaultKind::kReset, 0, 0, 0, 2, 4},          {FaultKind::kCorrupt, 0, 0, -1, -1, 2},
      {FaultKind::kRangeIgnored, 0, 0, -1, -1, 4}, {FaultKind::kExpire, 0, 0, -1, 3, 4},
      {FaultKind::kPortal, 0, 0, -1, -1, 3},       {FaultKind::kStatus, 503, 0, -1, 1, 2},
  };
  ASSERT_EQ(spec->faults.size(), std::size(kRows));
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const Fault& fault = spec->faults[i];
    EXPECT_EQ(fault.kind, kRows[i].kind) << i;
    EXPECT_EQ(fault.value, kRows[i].value) << i;
    EXPECT_EQ(fault.second, kRows[i].second) << i;
    EXPECT_EQ(fault.percent ? static_cast<int>(*fault.percent) : -1, kRows[i].percent) << i;
    EXPECT_EQ(fault.times ? static_cast<int>(*fault.times) : -1, kRows[i].times) << i;
    EXPECT_EQ(fault.phases, kRows[i].phases) << i;
  }
}

TEST(FaultSpec, SaysWhereItIsWrong) {
  std::string many = "expire";
  for (int i = 0; i < 16; ++i) many += ",expire";
  const struct {
    std::string text;
    int character;
  } kRows[] = {
      {"", 1},
      {"lag=2s", 1},
      {"latency", 8},
      {"latency=", 9},
      {"latency=2", 10},
      {"latency=2h", 10},
      {"latency=601s", 9},
      {"latency=-1s", 9},
      {"latency=2s~", 12},
      {"rate=0", 6},
      {"rate=20k~1s", 9},
      {"rate=99999999999999999999999", 6},
      {"drop", 5},
      {"drop@70", 8},
      {"drop@101%", 6},
      {"expire@5%", 7},
      {"expire*0", 8},
      {"expire:check", 8},
      {"500:upload", 5},
      {"500:check+", 11},
      {"500:check check", 10},
      {"399", 1},
      {"600", 1},
      {"expire,", 8},
      {"expire ,500", 7},
      {"Expire", 1},
      {"seed=x", 6},
      {many, 113},
      {std::string(1025, 'x'), 1025},
  };
  for (const auto& row : kRows) {
    const auto spec = ParseFaultSpec(row.text);
    EXPECT_EQ(spec.status().code(), StatusCode::kInvalidArgument) << row.text;
    const std::string place = "at character " + std::to_string(row.character) + ":";
    EXPECT_NE(spec.status().message().find(place), std::string::npos)
        << row.text << ": " << spec.status().message();
  }
}

}  // namespace
}  // namespace godwit
