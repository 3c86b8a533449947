// What the process that tries a model may do: compute, read files, and say what came of it.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace godwit {

struct SandboxLimits {
  uint64_t memory_max_bytes = 0;  // On top of what the process has now.
  uint32_t cpu_seconds_max = 0;
};

// Confines this process for good, all threads that it will start included: limits of memory and
// processor time, no core file, no growth of files, and on Linux a filter of system calls. Fork,
// exec, sockets and signals to others end the process; opening files for writing fails.
// REQUIRES: this thread is the only one.
Status EnterSandbox(const SandboxLimits& limits);

}  // namespace godwit
