// ModelTrial: loads a model and runs it, to see whether a device may switch to it.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "godwit/gate.h"
#include "inference/interpreter.h"

namespace godwit {

struct TrialOptions {
  std::string library_path;          // Of the interpreter; empty: searched for.
  std::string helper_path;           // Of godwit-gate; empty: searched for.
  int threads = 1;                   // For one run.
  float absolute_tolerance = 1e-3f;  // Where the golden inputs say none.
  float relative_tolerance = 1e-2f;
  uint32_t latency_budget_ms = 0;          // Where the golden inputs say none; 0: none.
  uint64_t memory_max_bytes = 1ull << 31;  // Of the child, on top of the library and the file.
  uint32_t cpu_seconds_max = 60;           // Of the child.
  uint32_t timeout_ms = 120'000;           // Of the child.
  bool in_process = false;                 // TryModel: no child.
};

struct TrialVerdict {
  // Ok; kGateRefused: the model is bad, and the message says why; any other: the trial itself
  // failed and says nothing about the model.
  Status status;
  godwit_gate_reason reason = GODWIT_GATE_NOT_LOADABLE;  // Of a refusal.
};

TrialVerdict Refused(godwit_gate_reason reason, const std::string& message);

// Whether the file is a model that may be given to an interpreter at all: its structure, and the
// operators and types that are known to damage one. Reads the file; runs nothing.
TrialVerdict CheckModelFile(const std::string& model_path);

// CheckModelFile, and then runs the model in this process, on the golden inputs (empty path: on
// inputs of its own, whose outputs are not judged). A bad model may take the process with it.
TrialVerdict RunTrial(const TrialOptions& options, const std::string& model_path,
                      const std::string& golden_path, Clock& clock);

// CheckModelFile, and then RunTrial in a process of its own, with limits. kUnimplemented when the
// program godwit-gate is not found. Blocks for at most timeout_ms and a moment.
TrialVerdict RunTrialInChild(const TrialOptions& options, const std::string& model_path,
                             const std::string& golden_path, Clock& clock);

// RunTrialInChild; RunTrial where no child can be had or none is wanted.
TrialVerdict TryModel(const TrialOptions& options, const std::string& model_path,
                      const std::string& golden_path, Clock& clock);

}  // namespace godwit
