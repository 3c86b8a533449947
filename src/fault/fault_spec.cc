#include "fault/fault_spec.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace godwit {
namespace {

constexpr size_t kTextMax = 1024;
constexpr size_t kFaultsMax = 16;
constexpr uint64_t kDurationMaxMs = 600'000;
constexpr uint64_t kBytesMax = uint64_t{1} << 40;
constexpr uint64_t kTimesMax = 1'000'000;
constexpr auto kBytesPhase = static_cast<uint32_t>(FaultPhase::kBytes);

enum class Value { kNone, kDuration, kBytes, kNumber };
enum class Place { kNone, kMay, kMust };

// What may follow a name.
struct Form {
  std::string_view name;
  FaultKind kind;
  Value value;
  bool second;  // May "~DURATION" follow?
  Place place;
  bool bytes_only;  // Has it a meaning for files alone?
};

constexpr Form kForms[] = {
    {"latency", FaultKind::kLatency, Value::kDuration, true, Place::kNone, false},
    {"rate", FaultKind::kRate, Value::kBytes, false, Place::kNone, false},
    {"slice", FaultKind::kSlice, Value::kBytes, true, Place::kNone, false},
    {"slow-close", FaultKind::kSlowClose, Value::kDuration, false, Place::kNone, false},
    {"timeout", FaultKind::kTimeout, Value::kDuration, false, Place::kNone, false},
    {"limit", FaultKind::kLimit, Value::kBytes, false, Place::kNone, false},
    {"drop", FaultKind::kDrop, Value::kNone, false, Place::kMust, false},
    {"reset", FaultKind::kReset, Value::kNone, false, Place::kMay, false},
    {"corrupt", FaultKind::kCorrupt, Value::kNone, false, Place::kMay, false},
    {"range-ignored", FaultKind::kRangeIgnored, Value::kNone, false, Place::kNone, true},
    {"expire", FaultKind::kExpire, Value::kNone, false, Place::kNone, true},
    {"portal", FaultKind::kPortal, Value::kNone, false, Place::kNone, false},
};

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<FaultSpec> Parse() {
    if (text_.size() > kTextMax) return Wrong(kTextMax, "the text must end");
    FaultSpec spec;
    do {
      if (spec.faults.size() == kFaultsMax) return Wrong(at_, "the text must end: 16 are enough");
      GODWIT_RETURN_IF_ERROR(ParseFault(&spec));
    } while (Take(','));
    if (at_ < text_.size()) return Wrong(at_, "',' or the end was expected");
    return spec;
  }

 private:
  static Status Wrong(size_t at, const std::string& what) {
    return Status(StatusCode::kInvalidArgument,
                  "the faults are malformed at character " + std::to_string(at + 1) + ": " + what +
                      "; give them as in latency=2s,rate=20k,drop@70%,500:check");
  }

  bool Take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view TakeName() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Result<uint64_t> TakeNumber(uint64_t min, uint64_t max) {
    uint64_t number = 0;
    const auto [rest, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc() || number < min || number > max) {
      return Wrong(at_, "a number from " + std::to_string(min) + " to " + std::to_string(max) +
                            " was expected");
    }
    at_ = static_cast<size_t>(rest - text_.data());
    return number;
  }

  Result<uint64_t> TakeDurationMs() {
    const size_t start = at_;
    GODWIT_ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(0, kDurationMaxMs));
    const std::string_view unit = TakeName();
    if (unit != "s" && unit != "ms") {
      return Wrong(at_ - unit.size(), "'s' or 'ms' was expected");
    }
    const uint64_t duration_ms = unit == "s" ? number * 1000 : number;
    if (duration_ms > kDurationMaxMs) return Wrong(start, "ten minutes are the most");
    return duration_ms;
  }

  Result<uint64_t> TakeBytes() {
    const size_t start = at_;
    GODWIT_ASSIGN_OR_RETURN(uint64_t number, TakeNumber(1, kBytesMax));
    if (Take('k')) {
      number *= 1000;
    } else if (Take('m')) {
      number *= 1'000'000;
    }
    if (number > kBytesMax) return Wrong(start, "a smaller number was expected");
    return number;
  }

  // A name, or a status, which is a number; with the value that must follow it.
  Result<const Form*> ParseKind(Fault* fault, FaultSpec* spec) {
    const size_t start = at_;
    const std::string_view name = TakeName();
    if (name == "seed" && Take('=')) {
      GODWIT_ASSIGN_OR_RETURN(spec->seed, TakeNumber(0, UINT64_MAX));
      return nullptr;
    }
    if (!name.empty() && name.find_first_not_of("0123456789") == name.npos) {
      static constexpr Form kStatus{"",    FaultKind::kStatus, Value::kNumber,
                                    false, Place::kNone,       false};
      at_ = start;
      GODWIT_ASSIGN_OR_RETURN(fault->value, TakeNumber(400, 599));
      return &kStatus;
    }
    const auto form = std::ranges::find(kForms, name, &Form::name);
    if (form == std::end(kForms)) return Wrong(start, "no fault has this name");
    if (form->value != Value::kNone) {
      if (!Take('=')) return Wrong(at_, "'=' was expected");
      GODWIT_ASSIGN_OR_RETURN(fault->value,
                              form->value == Value::kDuration ? TakeDurationMs() : TakeBytes());
    }
    return form;
  }

  Status ParsePhases(const Form& form, Fault* fault) {
    const bool is_of_files = form.bytes_only || fault->percent || form.kind == FaultKind::kCorrupt;
    if (is_of_files) fault->phases = kBytesPhase;
    if (!Take(':')) return Status::Ok();
    uint32_t phases = 0;
    do {
      const size_t start = at_;
      const std::string_view name = TakeName();
      const auto phase = name == "token"   ? FaultPhase::kToken
                         : name == "check" ? FaultPhase::kCheck
                                           : FaultPhase::kBytes;
      const bool fits = phase == FaultPhase::kBytes || !form.bytes_only;
      if ((phase == FaultPhase::kBytes && name != "bytes") || !fits) {
        return Wrong(start, form.bytes_only ? "'bytes' was expected"
                                            : "'token', 'check' or 'bytes' was expected");
      }
      phases |= static_cast<uint32_t>(phase);
    } while (Take('+'));
    fault->phases = phases;
    return Status::Ok();
  }

  Status ParseFault(FaultSpec* spec) {
    Fault fault;
    GODWIT_ASSIGN_OR_RETURN(const Form* const form, ParseKind(&fault, spec));
    if (form == nullptr) return Status::Ok();
    fault.kind = form->kind;
    if (form->second && Take('~')) {
      GODWIT_ASSIGN_OR_RETURN(fault.second, TakeDurationMs());
    }
    if (form->place == Place::kMust && (at_ == text_.size() || text_[at_] != '@')) {
      return Wrong(at_, "'@' was expected");
    }
    if (form->place != Place::kNone && Take('@')) {
      GODWIT_ASSIGN_OR_RETURN(const uint64_t percent, TakeNumber(0, 100));
      fault.percent = static_cast<uint32_t>(percent);
      if (!Take('%')) return Wrong(at_, "'%' was expected");
    }
    if (Take('*')) {
      GODWIT_ASSIGN_OR_RETURN(const uint64_t times, TakeNumber(1, kTimesMax));
      fault.times = static_cast<uint32_t>(times);
    }
    GODWIT_RETURN_IF_ERROR(ParsePhases(*form, &fault));
    spec->faults.push_back(fault);
    return Status::Ok();
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<FaultSpec> ParseFaultSpec(std::string_view text) { return Parser(text).Parse(); }

}  // namespace godwit
