// What the interpreter library itself does, and is not ours to mend, under the sanitizers. The
// functions must be visible: the sanitizers' own libraries look them up.

extern "C" {

// One byte of the library's own, once per process.
__attribute__((visibility("default"))) const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:libtensorflowlite_c\n"; }

// Its thread pool is not instrumented, so its own hand-over looks like a race.
__attribute__((visibility("default"))) const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() { return "called_from_lib:libtensorflowlite_c\n"; }

}  // extern "C"
