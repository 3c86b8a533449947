// ActivationGate: whoever judges a new version before the device switches to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "protocol/event_kinds.h"

namespace godwit {

// A version whose bytes are on the device, whole and checked, and which is nobody's model yet.
struct GateCandidate {
  std::string name;  // The address by which it was asked for.
  std::string path;  // Of its file; nobody writes to it again.
  std::string hash;  // Lower-case hex SHA-256 of the file.
  uint64_t size_bytes = 0;
  std::optional<uint64_t> version;  // Counts from 1; absent when the server did not say.
  std::string golden_path;          // Of its golden inputs; empty when it has none.
};

struct GateVerdict {
  // Ok: the device switches. kGateRefused: this version is bad, and the message says why. Any
  // other error: the gate could not judge; the device does not switch now and asks again at its
  // next try.
  Status status;
  EventReason reason = EventReason::kNone;  // Of a refusal, for the server.
};

// Thread-safe.
class ActivationGate {
 public:
  virtual ~ActivationGate() = default;

  // Blocks for as long as the judging takes, and must not call the client.
  virtual GateVerdict Check(const GateCandidate& candidate) = 0;

  // Whether Check may run a version, or let the app do so: then it gets the golden inputs, and
  // ends of the process meanwhile are counted.
  virtual bool runs_models() const { return false; }
};

}  // namespace godwit
