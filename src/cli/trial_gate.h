// TrialGate: tries a new version before `godwit get --gate` switches to it.
#pragma once

#include "base/clock.h"
#include "device/activation_gate.h"
#include "inference/model_trial.h"

namespace godwit::cli {

// Thread-safe. Borrows the clock.
class TrialGate final : public ActivationGate {
 public:
  explicit TrialGate(Clock& clock) : clock_(clock) {}

  GateVerdict Check(const GateCandidate& candidate) override {
    const TrialVerdict verdict = TryModel({}, candidate.path, candidate.golden_path, clock_);
    return {verdict.status, static_cast<EventReason>(verdict.reason)};
  }
  bool runs_models() const override { return true; }

 private:
  Clock& clock_;
};

}  // namespace godwit::cli
