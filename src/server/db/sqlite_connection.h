// SqliteConnection: one connection to SQLite with its prepared statements.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/db/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace godwit::server {

// Not thread-safe. Blocks on the disk.
class SqliteConnection final : public SqlConnection {
 public:
  enum class Locking {
    kShared,     // Other connections and processes may use the file, too.
    kExclusive,  // This one alone; needs no shared memory from the VFS.
  };

  // Opens or creates the file; vfs: a registered VFS's name, or nullptr for SQLite's own.
  // Nothing is written yet.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path, const char* vfs,
                                                        Locking locking);
  ~SqliteConnection() override;

  // Turns write-ahead logging on, with a sync at every commit. Writes to a new file.
  Status StartWal();
  // What is synced to the disk. REQUIRES: no transaction is open.
  enum class Sync { kCommits, kCheckpoints };
  Status SetSync(Sync sync);
  // Refuses writes from here on.
  Status MakeReadOnly();
  // Leaves the write-ahead log where it is when this connection closes.
  void KeepWalOnClose();

  using SqlConnection::Execute;
  using SqlConnection::Query;
  Result<SqlRows> Query(std::string_view sql, std::span<const SqlValue> params) override;
  Result<int64_t> Execute(std::string_view sql, std::span<const SqlValue> params) override;

  // Several statements without parameters.
  Status RunScript(const std::string& sql);

  // Runs body between `begin` and COMMIT; rolls back when body or COMMIT did not succeed.
  Status InTransaction(const char* begin, const std::function<Status(SqlConnection&)>& body);

 private:
  // A prepared statement, and for each of SQLite's parameters the n of its $n.
  struct Statement;
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  explicit SqliteConnection(sqlite3* handle);
  Result<Statement*> Prepare(std::string_view sql);
  Status Bind(const Statement& statement, std::span<const SqlValue> params);
  Status LastError(std::string_view sql) const;

  sqlite3* handle_;
  std::unordered_map<std::string, std::unique_ptr<Statement>, TextHash, std::equal_to<>>
      statements_;
};

}  // namespace godwit::server
