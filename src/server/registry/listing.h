// Pages of models, stable while models come and go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/registry/registry.h"

namespace godwit::server {

struct ModelPage {
  std::vector<ModelPointer> models;
  std::string next_page_token;  // Empty on the last page.
};

inline constexpr int kPageSizeMax = 100;

// Newest models first. The token holds the last model's place in that order, not a number of
// models, so a page never repeats or skips a model that was there throughout.
// page_size 0 means kPageSizeMax. kInvalidArgument for a bad filter, size or token.
Result<ModelPage> ListModels(const RegistrySnapshot& snapshot, int64_t project_number,
                             std::string_view filter, int page_size, std::string_view page_token);

}  // namespace godwit::server
