// FaultSpec: what a fault server does to whom, read from one line of text. Pure.
//
//   SPEC  = FAULT *("," FAULT)
//   FAULT = NAME ["=" VALUE ["~" VALUE]] ["@" PERCENT "%"] ["*" TIMES] [":" PHASE *("+" PHASE)]
//   PHASE = "token" / "check" / "bytes"
//
//   latency=2s~500ms   the answer comes so much later, give or take
//   rate=20k           its body comes at so many bytes a second
//   slice=100~5ms      in pieces of so many bytes, with a pause after each
//   slow-close=1s      the connection ends so much later than the answer
//   timeout=5s         nothing comes, and then the connection ends
//   limit=64k          the connection ends after so many bytes of the body
//   drop@70%           the connection ends there in the file; what goes on from there is let be
//   reset@70%          the same, the hard way; without a place: before the first byte
//   corrupt@70%        one bit there is flipped; without a place: a bit by chance
//   range-ignored      the whole file comes where a part was wanted
//   expire             a link to a file has run out (400)
//   portal             a network's login page comes, with status 200
//   500                this status comes; 400 to 599
//   seed=7             chooses what is left to chance
//
// TIMES: only the first so many requests; else all. Without a PHASE a fault meets all three, but
// corrupt, range-ignored, expire, and what has a place, meet the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

// What a device asks for, in this order.
enum class FaultPhase : uint32_t { kToken = 1, kCheck = 2, kBytes = 4 };

enum class FaultKind {
  kLatency,
  kRate,
  kSlice,
  kSlowClose,
  kTimeout,
  kLimit,
  kDrop,
  kReset,
  kCorrupt,
  kRangeIgnored,
  kExpire,
  kPortal,
  kStatus,
};

struct Fault {
  FaultKind kind = FaultKind::kLatency;
  uint64_t value = 0;   // Milliseconds, bytes, bytes a second or a status, as the kind has it.
  uint64_t second = 0;  // After "~", in milliseconds.
  std::optional<uint32_t> percent;
  std::optional<uint32_t> times;
  uint32_t phases = 7;  // FaultPhases, or-ed.
};

struct FaultSpec {
  std::vector<Fault> faults;
  uint64_t seed = 1;
};

// kInvalidArgument names the character, counted from 1, and what was expected there.
Result<FaultSpec> ParseFaultSpec(std::string_view text);

}  // namespace godwit
