// Database: SQL behind one thin layer. The one door to SQLite. One SQL text serves SQLite and,
// later, PostgreSQL: parameters are $1..$n, ids come from the application, times are int64 ms.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "fs/file_system.h"

namespace godwit::server {

// A bound or returned value. Booleans are int64 0 and 1; blobs travel as hex text.
using SqlValue = std::variant<std::nullptr_t, int64_t, double, std::string>;

// One returned row. A value type.
class SqlRow {
 public:
  explicit SqlRow(std::vector<SqlValue> values) : values_(std::move(values)) {}
  size_t size() const { return values_.size(); }
  bool IsNull(size_t column) const;
  int64_t Int(size_t column) const;              // 0 for null.
  double Double(size_t column) const;            // 0 for null.
  const std::string& Text(size_t column) const;  // Empty for null.

 private:
  std::vector<SqlValue> values_;
};

using SqlRows = std::vector<SqlRow>;

// A transaction's view of the database. Not thread-safe; lives for the callback only.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;

  // Runs one statement (prepared once, cached). kAlreadyExists for a unique violation,
  // kFailedPrecondition for a foreign key, kNotEnoughSpace for a full disk, kUnavailable for
  // busy, kDataLoss for a damaged file, kInternal for wrong SQL.
  virtual Result<SqlRows> Query(std::string_view sql, std::span<const SqlValue> params) = 0;

  Result<SqlRows> Query(std::string_view sql, std::initializer_list<SqlValue> params = {}) {
    return Query(sql, std::span<const SqlValue>(params.begin(), params.size()));
  }
  // As Query, for statements whose rows do not matter; returns the number of changed rows.
  virtual Result<int64_t> Execute(std::string_view sql, std::span<const SqlValue> params) = 0;
  Result<int64_t> Execute(std::string_view sql, std::initializer_list<SqlValue> params = {}) {
    return Execute(sql, std::span<const SqlValue>(params.begin(), params.size()));
  }
};

// Thread-safe: one writer at a time, readers beside it.
class Database {
 public:
  virtual ~Database() = default;

  // Runs body in a read transaction on a snapshot. Blocks on the disk.
  virtual Status Read(const std::function<Status(SqlConnection&)>& body) = 0;

  // Runs body in a write transaction; commits when it returns Ok, else rolls back and returns
  // its error. When Write returns Ok the change survives power loss (synchronous=full).
  virtual Status Write(const std::function<Status(SqlConnection&)>& body) = 0;

  // As Write, but the change may be lost with the power (never half of it, and nothing of the
  // others'): for telemetry, whose commits then cost no sync.
  virtual Status WriteTelemetry(const std::function<Status(SqlConnection&)>& body) = 0;
};

// Opens or creates `path` (WAL) and brings it to the newest schema by the numbered migrations
// in server/db/migrations. kFailedPrecondition when the file was written by a newer version:
// nothing is changed then.
Result<std::unique_ptr<Database>> OpenSqliteDatabase(const std::string& path, const Clock& clock,
                                                     Logger& logger);

// The same on a FileSystem of the caller's (for crash tests): SQLite runs through a VFS over it.
Result<std::unique_ptr<Database>> OpenSqliteDatabaseOn(FileSystem& fs, const std::string& path,
                                                       const Clock& clock, Logger& logger);

}  // namespace godwit::server
