// change_log: one row for each change, written in the change's own transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/db/database.h"

namespace godwit::server {

struct Change {
  int64_t project_number = 0;
  int64_t time_ms = 0;
  std::string_view actor;     // Who: an account's address, or "godwitd".
  std::string_view action;    // "model.create", "model.update" …
  std::string_view resource;  // "models/123".
  std::string detail;         // JSON object.
};

Status AppendChange(SqlConnection& connection, const Change& change);

}  // namespace godwit::server
