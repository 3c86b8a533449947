#include "capi/app_gate.h"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

#include "tflite/model_reader.h"

namespace godwit::capi {

GateVerdict AppGate::Check(const GateCandidate& candidate) {
  GateVerdict structure = CheckStructure(candidate);
  if (!structure.status.ok() || callback_ == nullptr) return structure;
  return AskApp(candidate);
}

// The file is mapped, not read: a model may be larger than the memory.
GateVerdict AppGate::CheckStructure(const GateCandidate& candidate) {
  const auto file = fs_.Open(candidate.path, OpenMode::kRead);
  if (!file.ok()) return {file.status()};
  const size_t size_bytes = static_cast<size_t>(candidate.size_bytes);
  std::span<const std::byte> bytes;
  if (size_bytes > 0) {
    void* const mapped =
        mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, (*file)->descriptor(), 0);
    if (mapped == MAP_FAILED) {
      return {Status(StatusCode::kResourceExhausted,
                     candidate.path + " cannot be looked at: " + std::strerror(errno))};
    }
    bytes = {static_cast<const std::byte*>(mapped), size_bytes};
  }
  const auto model = tflite::ReadModel(bytes);
  if (size_bytes > 0) munmap(const_cast<std::byte*>(bytes.data()), size_bytes);
  if (model.ok()) return {};
  return {Status(StatusCode::kGateRefused, model.status().message()), EventReason::kNotLoadable};
}

GateVerdict AppGate::AskApp(const GateCandidate& candidate) {
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
