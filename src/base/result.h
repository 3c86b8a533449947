// Result<T>: a value, or the Status that says why there is none.
#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "base/status.h"

namespace godwit {

// A value type; moves as T moves. value() on an error is a bug and asserts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose, so `return x;`
  // REQUIRES: !status.ok().
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit, as above
    assert(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & {
    assert(ok());
    return *value_;
  }
  const T& value() const& {
    assert(ok());
    return *value_;
  }
  T&& value() && {
    assert(ok());
    return std::move(*value_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  // The same result with "context: " before an error's message.
  Result WithContext(std::string_view context) && {
    if (ok()) return std::move(*this);
    return status_.WithContext(context);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace godwit

#define GODWIT_CONCAT_INNER_(a, b) a##b
#define GODWIT_CONCAT_(a, b) GODWIT_CONCAT_INNER_(a, b)

// GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(path, mode));
// Evaluates the expression once; returns its Status from the enclosing function on error.
#define GODWIT_ASSIGN_OR_RETURN(declaration, ...)                \
  auto GODWIT_CONCAT_(godwit_result_, __LINE__) = (__VA_ARGS__); \
  if (!GODWIT_CONCAT_(godwit_result_, __LINE__).ok())            \
    return GODWIT_CONCAT_(godwit_result_, __LINE__).status();    \
  declaration = std::move(GODWIT_CONCAT_(godwit_result_, __LINE__)).value()
