#include "inference/delegate.h"

#include <array>
#include <cstring>

namespace godwit {
namespace {

// In every version the options start with the number of threads. The rest moves about, so only
// the layouts proven here are written.
constexpr size_t kOptionsBytes = 64;  // What 2.21 reads of its options.
constexpr size_t kOptionsRoom = 256;  // Zeros behind it, for a version that reads more.
constexpr size_t kFlagsOffset29 = 4;  // 2.9: int32 threads, uint32 flags, a pointer.
constexpr uint32_t kSignedInt8Flag = 1;

using Options = std::array<std::byte, kOptionsRoom>;

bool IsVersion29(const Runtime& runtime) { return runtime.version.starts_with("2.9."); }

template <typename T>
void Store(Options& options, size_t offset, T value) {
  std::memcpy(options.data() + offset, &value, sizeof(value));
}

// The default options of this library with another number of threads, by way of a delegate
// that tells its own; so no layout beyond the first field is assumed.
TfLiteDelegate* CreateWithThreads(const RuntimeSymbols& symbols, int threads) {
  TfLiteDelegate* const first = symbols.xnnpack_create(nullptr);
  if (first == nullptr || threads == 1 || symbols.xnnpack_options == nullptr) return first;
  const void* const defaults = symbols.xnnpack_options(first);
  if (defaults == nullptr) return first;
  alignas(16) Options options = {};
  std::memcpy(options.data(), defaults, kOptionsBytes);
  symbols.xnnpack_delete(first);
  Store(options, 0, int32_t{threads});
  return symbols.xnnpack_create(options.data());
}

}  // namespace

std::vector<DelegateKind> DelegateLadder(const Runtime& runtime, bool accelerate) {
  std::vector<DelegateKind> ladder;
  if (accelerate && runtime.symbols.has_xnnpack()) {
    if (IsVersion29(runtime)) ladder.push_back(DelegateKind::kXnnpackSignedInt8);
    ladder.push_back(DelegateKind::kXnnpack);
  }
  ladder.push_back(DelegateKind::kNone);
  return ladder;
}

TfLiteDelegate* CreateDelegate(const Runtime& runtime, DelegateKind kind, int threads) {
  if (kind == DelegateKind::kNone) return nullptr;
  if (!IsVersion29(runtime)) return CreateWithThreads(runtime.symbols, threads);
  alignas(16) Options options = {};
  Store(options, 0, int32_t{threads});
  if (kind == DelegateKind::kXnnpackSignedInt8) Store(options, kFlagsOffset29, kSignedInt8Flag);
  return runtime.symbols.xnnpack_create(options.data());
}

}  // namespace godwit
