// The rows of operations: validations of files that outlive the request that asked for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

// A value type.
struct Operation {
  std::string id;  // The model's id, '-', and random hex digits.
  int64_t project_number = 0;
  std::string model_id;
  std::string actor;   // Who asked for it.
  ModelChange change;  // With pending_file; takes effect when the file is validated.
  int64_t create_time_ms = 0;
  int64_t done_time_ms = 0;  // 0: not done.
  Status error;              // Why it failed; Ok when it did not.
};

Status InsertOperation(SqlConnection& connection, const Operation& operation);
// Marks it done.
Status FinishOperation(SqlConnection& connection, const std::string& id, const Status& error,
                       int64_t now_ms);
Result<std::optional<Operation>> ReadOperation(SqlConnection& connection, int64_t project_number,
                                               std::string_view id);
// Oldest first.
Result<std::vector<Operation>> ReadActiveOperations(SqlConnection& connection);
// Returns how many went.
Result<int64_t> DeleteOperationsDoneBefore(SqlConnection& connection, int64_t time_ms);

}  // namespace godwit::server
