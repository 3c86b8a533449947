// What the interpreter library itself does, and is not ours to mend, under the address sanitizer:
// it leaks one byte, once per process. The function must be visible: the sanitizer's own library
// looks it up.
extern "C" {
__attribute__((visibility("default"))) const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:libtensorflowlite_c\n"; }
}
