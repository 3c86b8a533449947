// What can happen to a model on a device, and why: the closed lists that device and server share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace godwit {

// The numbers are never used again for something else; the server stores the names.
enum class EventKind : uint8_t {
  kStarted = 0,      // A file was asked for, from its first byte on.
  kResumed = 1,      // A transfer went on with what was there already.
  kFinished = 2,     // A file arrived, whole and checked.
  kFailed = 3,       // A getModel ended without the model; the reason says why.
  kSwitched = 4,     // The app gets this version from now on.
  kGateRefused = 5,  // The activation gate refused this version; the reason says why.
  kLoaded = 6,       // The app loaded this version.
  kCrashed = 7,      // The app ended while it loaded this version.
};
inline constexpr int kEventKinds = 8;

enum class EventReason : uint8_t {
  kNone = 0,
  // Why a getModel failed.
  kCancelled = 1,
  kNoNetwork = 2,
  kNetwork = 3,       // Unreachable, broken off, or the server was busy, again and again.
  kTimeout = 4,       // Too slow.
  kRefused = 5,       // Key, token or permission.
  kNotFound = 6,      // No such model, or none for this device.
  kLinkExpired = 7,   // Every link to the file was refused.
  kHashMismatch = 8,  // Other bytes than announced.
  kNoSpace = 9,
  kDisk = 10,
  kConditions = 11,   // Wi-Fi, charging and so on.
  kQuarantined = 12,  // This version was refused here before.
  kGate = 13,         // The activation gate refused it.
  kOther = 14,
  // Why the gate refused.
  kUnsafeOperator = 15,  // Known to damage the interpreter.
  kNotLoadable = 16,     // The interpreter does not take it.
  kGateCrash = 17,       // The trial run crashed.
  kGateTimeout = 18,     // The trial run did not end in time.
  kGoldenMismatch = 19,  // Other outputs than the golden ones.
  kTooSlow = 20,         // Over the latency budget.
  kApp = 21,             // The app's own gate.
};
inline constexpr int kEventReasons = 22;

// "STARTED"; "NO_NETWORK"; "" for kNone.
std::string_view EventKindName(EventKind kind);
std::string_view EventReasonName(EventReason reason);
std::optional<EventKind> ParseEventKind(std::string_view name);
std::optional<EventReason> ParseEventReason(std::string_view name);

// Why a getModel that ended with this code failed.
EventReason ReasonOf(StatusCode code);

}  // namespace godwit
