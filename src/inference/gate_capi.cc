// The C face of ModelTrial: a gate for libgodwit's clients.
#include <algorithm>
#include <cstring>

#include "godwit/inference.h"
#include "inference/model_trial.h"

namespace {

using godwit::Clock;
using godwit::Status;
using godwit::StatusCode;
using godwit::TrialOptions;
using godwit::TrialVerdict;

bool ReadOptions(const godwit_inference_gate_options* options, TrialOptions& read) {
  if (options == nullptr) return true;
  if (options->version != GODWIT_INFERENCE_GATE_OPTIONS_VERSION) return false;
  if (options->library_path != nullptr) read.library_path = options->library_path;
  if (options->helper_path != nullptr) read.helper_path = options->helper_path;
  if (options->threads != 0) read.threads = options->threads;
  if (options->absolute_tolerance != 0 || options->relative_tolerance != 0) {
    read.absolute_tolerance = options->absolute_tolerance;
    read.relative_tolerance = options->relative_tolerance;
  }
  read.latency_budget_ms = options->latency_budget_ms;
  if (options->memory_max_bytes != 0) read.memory_max_bytes = options->memory_max_bytes;
  if (options->cpu_seconds_max != 0) read.cpu_seconds_max = options->cpu_seconds_max;
  if (options->timeout_ms != 0) read.timeout_ms = options->timeout_ms;
  read.in_process = options->in_process != 0;
  return true;
}

TrialVerdict Check(const godwit_gate_candidate& candidate,
                   const godwit_inference_gate_options* options) {
  if (candidate.version != GODWIT_GATE_CANDIDATE_VERSION || candidate.path == nullptr) {
    return {Status(StatusCode::kInvalidArgument,
                   "the candidate's version is unknown or its path is NULL, so nothing was tried")};
  }
  TrialOptions read;
  if (!ReadOptions(options, read)) {
    return {Status(StatusCode::kInvalidArgument,
                   "godwit_inference_gate_options.version is not one that this library knows")};
  }
  const std::string golden_path = candidate.golden_path == nullptr ? "" : candidate.golden_path;
  const auto clock = godwit::NewSystemClock();
  return TryModel(read, candidate.path, golden_path, *clock);
}

}  // namespace

godwit_status godwit_inference_gate(const godwit_gate_candidate* candidate, void* user_data,
                                    godwit_error* error) {
  const TrialVerdict verdict =
      Check(*candidate, static_cast<const godwit_inference_gate_options*>(user_data));
  const auto code = static_cast<godwit_status>(verdict.status.code());
  if (code == GODWIT_GATE_REFUSED && candidate->reason != nullptr) {
    *candidate->reason = verdict.reason;
  }
  if (error == nullptr) return code;
  error->code = code;
  const std::string& message = verdict.status.message();
  const size_t size = std::min(message.size(), sizeof(error->message) - 1);
  std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return code;
}
