// The rows of models, versions and aliases.
#pragma once

#include <string_view>
#include <vector>

#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

// All models with their versions, aliases and active operations.
Result<std::vector<ModelPointer>> ReadModels(SqlConnection& connection);

// Reserves a random id that no model ever had.
Result<std::string> ReserveModelId(SqlConnection& connection);

// kAlreadyExists when the display name is taken. create_request: see Registry::Create.
Status InsertModel(SqlConnection& connection, const Model& model, std::string_view create_request);
Status UpdateModel(SqlConnection& connection, const Model& model);
// The model and all that belongs to it; its id stays reserved.
Status DeleteModel(SqlConnection& connection, const Model& model);

Status InsertVersion(SqlConnection& connection, const Model& model, const VersionRecord& record);
// What is said of a version: its revocation and its golden file.
Status UpdateVersion(SqlConnection& connection, const Model& model, const Version& version);
Status DeleteVersion(SqlConnection& connection, const Model& model, int64_t number);

// Makes the model's aliases those of `model`.
Status ReplaceAliases(SqlConnection& connection, const Model& model);

// Empty when the model was created without one.
Result<std::string> ReadCreateRequest(SqlConnection& connection, const Model& model);

// Newest first, numbers below `before`.
Result<std::vector<VersionRecord>> ReadVersions(SqlConnection& connection, const Model& model,
                                                int64_t before, int limit);

}  // namespace godwit::server
