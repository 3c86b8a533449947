// Which kernels to try for a model, best first.
#pragma once

#include <string_view>
#include <vector>

#include "inference/interpreter.h"
#include "inference/runtime.h"

namespace godwit {

// One rung of the ladder.
enum class DelegateKind {
  kXnnpackSignedInt8,  // For 2.9, where int8 kernels are off unless a flag asks for them.
  kXnnpack,
  kNone,  // The library's plain kernels: slow, but they do everything that it knows.
};

// Every rung that this library offers, fastest first; the last is always kNone.
std::vector<DelegateKind> DelegateLadder(const Runtime& runtime, bool accelerate);

// A delegate of that kind with that many threads; nullptr for kNone and when the library
// refuses. The caller deletes it with xnnpack_delete, after its interpreter.
TfLiteDelegate* CreateDelegate(const Runtime& runtime, DelegateKind kind, int threads);

}  // namespace godwit
