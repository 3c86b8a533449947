// FaultConnection: one request through a fault server, from its head to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fault/fault_spec.h"
#include "proxy/proxy_request.h"
#include "proxy/socket.h"

namespace godwit {

// What one request meets.
struct FaultPlan {
  std::vector<Fault> faults;
  uint64_t chance = 0;  // For what is left to it.

  const Fault* Find(FaultKind kind) const;
};

// nullopt: of no interest to a device.
std::optional<FaultPhase> PhaseOf(std::string_view method, std::string_view target);

// Used by one thread. Blocks on its sockets, but never past the stop.
class FaultConnection {
 public:
  struct Rules {
    const Descriptor& stop;  // Readable once everything ends.
    const std::vector<SocketAddress>& upstream;
    std::function<FaultPlan(FaultPhase, const ProxyRequest&)> plan;
  };

  FaultConnection(Descriptor client, const Rules& rules)
      : client_(std::move(client)), rules_(rules) {}

  void Run();

 private:
  // What a body meets, once its head is known.
  struct Body {
    uint64_t position = 0;  // In the file, of the next byte.
    uint64_t sent = 0;
    std::optional<uint64_t> end_after;  // So many bytes sent.
    bool end_by_reset = false;
    std::optional<uint64_t> flipped;  // Position.
    size_t piece_bytes = SIZE_MAX;
    int64_t pause_ms = 0;  // After each full piece.
  };

  bool ReadRequest();
  bool ConnectUpstream();
  std::string UpstreamHead() const;
  void Relay();
  bool TakeAnswer(std::string_view bytes);
  bool TakeHead();
  bool SendBody(std::string bytes);
  void Answer(std::string_view status_line, std::string_view content_type, std::string_view body);
  bool AnswerInstead();

  // All return false when it is time to end.
  bool SendAll(const Descriptor& socket, std::string_view bytes);
  bool Pause(uint64_t duration_ms);
  bool WaitFor(const Descriptor& socket, short events);
  void Reset();

  Descriptor client_;
  Descriptor upstream_;
  const Rules& rules_;
  ProxyRequest request_;
  std::string head_;    // Of the request, with what followed it.
  std::string answer_;  // Its head, until that is complete.
  bool in_body_ = false;
  FaultPlan plan_;
  Body body_;
};

}  // namespace godwit
