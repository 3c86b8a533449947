#include "protocol/event_kinds.h"

#include <algorithm>
#include <array>

namespace godwit {
namespace {

// By number.
constexpr std::array<std::string_view, kEventKinds> kKindNames = {
    "STARTED", "RESUMED", "FINISHED", "FAILED", "SWITCHED", "GATE_REFUSED", "LOADED", "CRASHED"};
constexpr std::array<std::string_view, kEventReasons> kReasonNames = {"",
                                                                      "CANCELLED",
                                                                      "NO_NETWORK",
                                                                      "NETWORK",
                                                                      "TIMEOUT",
                                                                      "REFUSED",
                                                                      "NOT_FOUND",
                                                                      "LINK_EXPIRED",
                                                                      "HASH_MISMATCH",
                                                                      "NO_SPACE",
                                                                      "DISK",
                                                                      "CONDITIONS",
                                                                      "QUARANTINED",
                                                                      "GATE",
                                                                      "OTHER",
                                                                      "UNSAFE_OPERATOR",
                                                                      "NOT_LOADABLE",
                                                                      "GATE_CRASH",
                                                                      "GATE_TIMEOUT",
                                                                      "GOLDEN_MISMATCH",
                                                                      "TOO_SLOW",
                                                                      "APP"};

template <typename Enum, size_t kSize>
std::optional<Enum> Find(const std::array<std::string_view, kSize>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view EventKindName(EventKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

std::string_view EventReasonName(EventReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

std::optional<EventKind> ParseEventKind(std::string_view name) {
  return Find<EventKind>(kKindNames, name);
}

std::optional<EventReason> ParseEventReason(std::string_view name) {
  return Find<EventReason>(kReasonNames, name);
}

EventReason ReasonOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return EventReason::kNone;
    case StatusCode::kCancelled:
      return EventReason::kCancelled;
    case StatusCode::kNoNetworkConnection:
      return EventReason::kNoNetwork;
    case StatusCode::kUnavailable:
    case StatusCode::kUnknown:
      return EventReason::kNetwork;
    case StatusCode::kDeadlineExceeded:
      return EventReason::kTimeout;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return EventReason::kRefused;
    case StatusCode::kNotFound:
      return EventReason::kNotFound;
    case StatusCode::kDownloadUrlExpired:
      return EventReason::kLinkExpired;
    case StatusCode::kModelHashMismatch:
    case StatusCode::kDataLoss:
      return EventReason::kHashMismatch;
    case StatusCode::kNotEnoughSpace:
      return EventReason::kNoSpace;
    case StatusCode::kIo:
    case StatusCode::kStoreCorrupt:
      return EventReason::kDisk;
    case StatusCode::kConditionsUnmet:
      return EventReason::kConditions;
    case StatusCode::kQuarantined:
      return EventReason::kQuarantined;
    case StatusCode::kGateRefused:
      return EventReason::kGate;
    default:
      return EventReason::kOther;
  }
}

}  // namespace godwit
