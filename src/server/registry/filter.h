// Filter: the expression of models.list, a subset of AIP-160.
//
//   filter     = sequence { "AND" sequence }
//   sequence   = factor { factor }            side by side means AND
//   factor     = term { "OR" term }           so OR binds tighter than AND
//   term       = [ "NOT" | "-" ] ( restriction | "(" filter ")" )
//   restriction = field ( "=" | "!=" | ":" ) value
//   field      = "display_name" | "displayName" | "tags" | "state.published"
//   value      = a word, or text in single or double quotes
//
// "=" compares; ":" asks a list whether it has the value and a text whether it contains it. A
// text value may end in "*": then it must begin with what stands before.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "server/registry/model.h"

namespace godwit::server {

// Immutable, so any number of threads may ask it.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual bool Matches(const Model& model) const = 0;
  // The one display name that a model must have to match; nullopt when several may. Valid as
  // long as the filter.
  virtual std::optional<std::string_view> ExactName() const { return std::nullopt; }

  static constexpr size_t kBytesMax = 2048;
  static constexpr int kDepthMax = 32;

  // kInvalidArgument, with the offset, when the text does not follow the grammar or passes a
  // limit. An empty text matches every model.
  static Result<std::unique_ptr<Filter>> Parse(std::string_view text);
};

}  // namespace godwit::server
