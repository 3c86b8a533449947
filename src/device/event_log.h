// EventSink: who is told what happens to the models on this device.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/event_kinds.h"

namespace godwit {

// A value type.
struct DeviceEvent {
  EventKind kind = EventKind::kStarted;
  std::string model;                        // The address by which it was asked for.
  std::string hash;                         // Lower-case hex SHA-256 of the file; empty: not known.
  EventReason reason = EventReason::kNone;  // Of what failed or was refused.
  uint64_t bytes = 0;                       // That this event brought over the network.
  int64_t duration_ms = 0;                  // That it took.
};

// Thread-safe. Record may block on the disk, never on the network, and nothing follows from its
// failures: what happens to a model matters more than the word about it.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Record(const DeviceEvent& event) = 0;

  // The network was used just now, so this is the time to send what was recorded. Does not block.
  virtual void SendSoon() {}
};

class NullEventSink final : public EventSink {
 public:
  void Record(const DeviceEvent&) override {}
};

}  // namespace godwit
