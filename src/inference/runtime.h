// Runtime: the TensorFlow Lite library of this process, found and loaded at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/runtime_symbols.h"

namespace godwit {

// Where to look, in this order.
struct RuntimeSearch {
  std::string explicit_path;         // If set, nothing else is tried.
  std::string environment_path;      // If set, only explicit_path goes before it.
  std::vector<std::string> folders;  // Each is tried with each of the file names.
};

// Looks at GODWIT_TFLITE_LIBRARY, then beside this library and this program: their folder,
// ../lib, ../lib/godwit and, for a build tree, ../../runtime.
RuntimeSearch DefaultRuntimeSearch(std::string_view explicit_path);

// A value type. Thread-safe. A library is never unloaded: it leaves symbols and threads behind
// that would dangle.
struct Runtime {
  RuntimeSymbols symbols;
  std::string path;     // As it was loaded.
  std::string version;  // As it tells; "2.21.0".

  // kRuntimeMissing when none is found or the one named cannot be loaded.
  static Result<Runtime> Load(const RuntimeSearch& search);
};

}  // namespace godwit
