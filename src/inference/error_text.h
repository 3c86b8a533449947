// ErrorText: keeps what the interpreter library says while it fails.
#pragma once

#include <array>
#include <cstdarg>
#include <cstddef>
#include <string>
#include <string_view>

namespace godwit {

// Fixed in size: a library in trouble shall not make us allocate. Not thread-safe.
class ErrorText {
 public:
  // A TfLiteErrorReporter; user_data is the ErrorText.
  static void Report(void* user_data, const char* format, va_list arguments);

  void Clear() { size_ = 0; }

  // The lines so far, without the paths of the machine that built the library. "the library
  // gave no reason" when it said nothing.
  std::string Take();

 private:
  std::array<char, 2048> text_ = {};
  size_t size_ = 0;
};

// "conv.cc:12 x != y" from "/build/x/tensorflow/lite/kernels/conv.cc:12 x != y": the
// path of each source file is cut down to its name.
std::string WithoutSourcePaths(std::string_view text);

}  // namespace godwit
