#include "capi/callback_gate.h"

#include <cstring>

namespace godwit::capi {

GateVerdict CallbackGate::Check(const GateCandidate& candidate) {
  godwit_gate_reason reason = GODWIT_GATE_APP;
  const godwit_gate_candidate shown = {
      .version = GODWIT_GATE_CANDIDATE_VERSION,
      .name = candidate.name.c_str(),
      .path = candidate.path.c_str(),
      .hash = candidate.hash.c_str(),
      .size_bytes = candidate.size_bytes,
      .model_version = candidate.version.value_or(0),
      .golden_path = candidate.golden_path.empty() ? nullptr : candidate.golden_path.c_str(),
      .reason = &reason};
  godwit_error error = {GODWIT_OK, ""};
  const godwit_status status = callback_(&shown, user_data_, &error);
  if (status == GODWIT_OK) return {Status::Ok()};
  // The callback may be anybody's: it need not have ended its message, nor written one.
  std::string message(error.message, strnlen(error.message, sizeof error.message));
  if (message.empty()) message = "the app's gate gave no reason";
  const bool known = reason >= GODWIT_GATE_UNSAFE_OPERATOR && reason <= GODWIT_GATE_APP;
  return {Status(static_cast<StatusCode>(status), std::move(message)),
          known ? static_cast<EventReason>(reason) : EventReason::kApp};
}

}  // namespace godwit::capi
