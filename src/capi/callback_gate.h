// CallbackGate: an app's godwit_gate_callback as an ActivationGate.
#pragma once

#include "device/activation_gate.h"
#include "godwit/gate.h"

namespace godwit::capi {

// Thread-safe if the callback is.
class CallbackGate final : public ActivationGate {
 public:
  // REQUIRES: callback is not NULL.
  CallbackGate(godwit_gate_callback callback, void* user_data)
      : callback_(callback), user_data_(user_data) {}

  GateVerdict Check(const GateCandidate& candidate) override;
  bool may_crash() const override { return true; }

 private:
  const godwit_gate_callback callback_;
  void* const user_data_;
};

}  // namespace godwit::capi
