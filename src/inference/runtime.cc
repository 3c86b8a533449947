#include "inference/runtime.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

#include "inference/own_folders.h"

namespace godwit {
namespace {

constexpr char kEnvironmentName[] = "GODWIT_TFLITE_LIBRARY";
// The second one stands in where only it could be fetched.
constexpr std::array kFileNames = {"libtensorflowlite_c.so", "libtensorflowlite_c-2.9.0.so"};
// Left to the system's loader, after our own folders.
constexpr std::array kStandardNames = {"libtensorflowlite_c.so", "libtensorflow-lite.so.2.14.1",
                                       "libtensorflowlite_jni.so"};
constexpr int kLogWarnings = 2;  // Not "created a delegate" and the like.
constexpr char kHowToGetOne[] =
    "Run scripts/fetch-runtime (scripts/setup does, too), or set GODWIT_TFLITE_LIBRARY to a "
    "TensorFlow Lite C library.";

template <typename Function>
void Resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

Result<Runtime> LoadLibrary(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Status(StatusCode::kRuntimeMissing, std::string(dlerror()) + ". " + kHowToGetOne);
  }
  Runtime runtime;
  runtime.path = path;
  RuntimeSymbols& symbols = runtime.symbols;
#define GODWIT_RESOLVE(member, symbol, result, arguments) Resolve(library, #symbol, symbols.member);
#define GODWIT_REQUIRE(member, symbol, result, arguments)                                  \
  if (symbols.member == nullptr) {                                                         \
    return Status(                                                                         \
        StatusCode::kRuntimeMissing,                                                       \
        path + " is no TensorFlow Lite C library: it lacks " #symbol ". " + kHowToGetOne); \
  }
  GODWIT_TFLITE_REQUIRED(GODWIT_RESOLVE)
  GODWIT_TFLITE_REQUIRED(GODWIT_REQUIRE)
  GODWIT_TFLITE_XNNPACK(GODWIT_RESOLVE)
  GODWIT_TFLITE_XNNPACK_OPTIONS(GODWIT_RESOLVE)
  GODWIT_TFLITE_SIGNATURES(GODWIT_RESOLVE)
  GODWIT_TFLITE_LOGGING(GODWIT_RESOLVE)
#undef GODWIT_RESOLVE
#undef GODWIT_REQUIRE
  if (symbols.set_log_severity != nullptr) symbols.set_log_severity(kLogWarnings);
  const char* const version = symbols.version();
  runtime.version = version == nullptr ? "" : version;
  return runtime;
}

}  // namespace

RuntimeSearch DefaultRuntimeSearch(std::string_view explicit_path) {
  RuntimeSearch search;
  search.explicit_path = explicit_path;
  if (const char* path = getenv(kEnvironmentName); path != nullptr) search.environment_path = path;
  for (const std::string& folder : OwnFolders()) {
    for (const char* place : {"", "/../lib", "/../lib/godwit", "/../../runtime"}) {
      search.folders.push_back(folder + place);
    }
  }
  search.folders.emplace_back();  // The system's own folders.
  return search;
}

Result<Runtime> Runtime::Load(const RuntimeSearch& search) {
  if (!search.explicit_path.empty()) return LoadLibrary(search.explicit_path);
  if (!search.environment_path.empty()) {
    return LoadLibrary(search.environment_path).WithContext(kEnvironmentName);
  }
  for (const std::string& folder : search.folders) {
    if (folder.empty()) {
      for (const char* name : kStandardNames) {
        Result<Runtime> runtime = LoadLibrary(name);
        if (runtime.ok()) return runtime;
      }
      continue;
    }
    for (const char* name : kFileNames) {
      const std::string path = folder + "/" + name;
      if (access(path.c_str(), R_OK) != 0) continue;
      // One that is there but does not load is worth telling, not passing over.
      return LoadLibrary(path);
    }
  }
  return Status(StatusCode::kRuntimeMissing,
                std::string("no TensorFlow Lite interpreter was found, so models cannot be run. ") +
                    kHowToGetOne);
}

}  // namespace godwit
