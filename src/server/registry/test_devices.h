// The rows of test devices.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

using ModelKey = std::pair<int64_t, std::string>;  // The project's number and the model's id.

// Of each model ascending by installation.
Result<std::map<ModelKey, std::vector<TestDevice>>> ReadAllTestDevices(SqlConnection& connection);

// kNotFound when there is no such installation.
Status PutTestDevice(SqlConnection& connection, const Model& model, const TestDevice& device);
Status RemoveTestDevice(SqlConnection& connection, const Model& model, std::string_view fid);

}  // namespace godwit::server
