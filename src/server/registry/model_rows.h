// The rows of models and versions.
#pragma once

#include <string_view>
#include <vector>

#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

// All models with their versions.
Result<std::vector<ModelPointer>> ReadModels(SqlConnection& connection);

// Reserves a random id that no model ever had.
Result<std::string> ReserveModelId(SqlConnection& connection);

// kAlreadyExists when the display name is taken.
Status InsertModel(SqlConnection& connection, const Model& model);
Status UpdateModel(SqlConnection& connection, const Model& model);
// The model and its versions; its id stays reserved.
Status DeleteModel(SqlConnection& connection, const Model& model);

Status InsertVersion(SqlConnection& connection, const Model& model, const VersionRecord& record);
Status DeleteVersion(SqlConnection& connection, const Model& model, int64_t number);

// Newest first, numbers below `before`.
Result<std::vector<VersionRecord>> ReadVersions(SqlConnection& connection, const Model& model,
                                                int64_t before, int limit);

}  // namespace godwit::server
