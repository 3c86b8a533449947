// ModelAddress: which model, and which of its versions, a person or a program means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

// "face" (what this device should get), "face@7" (version 7) or "face@stable" (an alias).
// A value type.
struct ModelAddress {
  std::string name;
  int64_t version = 0;  // 0: none given.
  std::string alias;    // Empty: none given.

  // kInvalidArgument when the text is none of the three forms.
  static Result<ModelAddress> Parse(std::string_view text);

  std::string ToString() const;
  friend bool operator==(const ModelAddress&, const ModelAddress&) = default;
};

// 1 to 32 characters of A-Z a-z 0-9 _ - (a model's displayName; a tag has the same form).
bool IsModelName(std::string_view text);

// 1 to 32 characters of a-z 0-9 _ -, a letter first: nothing else looks like a version.
bool IsAlias(std::string_view text);

// 6 to 30 characters of a-z 0-9 -.
bool IsProjectId(std::string_view text);

}  // namespace godwit
