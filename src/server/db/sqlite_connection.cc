#include "server/db/sqlite_connection.h"

#include <sqlite3.h>

#include <cassert>
#include <charconv>

namespace godwit::server {
namespace {

// All of the server's statements fit; the limit is for texts that are made at run time.
constexpr size_t kStatementsMax = 512;
constexpr int kBusyTimeoutMs = 10000;

StatusCode CodeOf(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return StatusCode::kAlreadyExists;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return StatusCode::kFailedPrecondition;
  }
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return StatusCode::kNotEnoughSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StatusCode::kDataLoss;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return StatusCode::kIo;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return StatusCode::kResourceExhausted;
  }
  return StatusCode::kInternal;
}

std::string_view NextStep(StatusCode code) {
  switch (code) {
    case StatusCode::kNotEnoughSpace:
      return "; free space on the disk that holds the data folder, then retry";
    case StatusCode::kUnavailable:
      return "; another program holds the database; retry later";
    case StatusCode::kDataLoss:
      return "; the file is damaged; stop the server and restore a backup";
    case StatusCode::kIo:
      return "; look at the disk and at the permissions of the data folder";
    default:
      return "";
  }
}

Status ErrorOf(sqlite3* handle, std::string_view what) {
  const StatusCode code = CodeOf(sqlite3_extended_errcode(handle));
  std::string message = "database: ";
  message += sqlite3_errmsg(handle);
  // The statement's text helps only where the statement may be at fault. Values never appear.
  if (code == StatusCode::kInternal) message.append(" in: ").append(what);
  return Status(code, message.append(NextStep(code)));
}

SqlValue ColumnOf(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    default: {
      const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
      return std::string(text == nullptr ? "" : text, size);
    }
  }
}

}  // namespace

struct SqliteConnection::Statement {
  sqlite3_stmt* handle = nullptr;
  std::vector<size_t> numbers;
  size_t number_max = 0;

  ~Statement() { sqlite3_finalize(handle); }
};

SqliteConnection::SqliteConnection(sqlite3* handle) : handle_(handle) {}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  const int closed = sqlite3_close(handle_);
  assert(closed == SQLITE_OK);
  (void)closed;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path,
                                                                 const char* vfs, Locking locking) {
  sqlite3* handle = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, vfs);
  if (handle == nullptr) {
    return Status(StatusCode::kResourceExhausted, "database: no memory to open " + path);
  }
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle));
  if (opened != SQLITE_OK) return ErrorOf(handle, "open").WithContext("open " + path);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // The locking mode comes first: the others read the file, which in write-ahead mode needs
  // shared memory unless the lock is exclusive.
  std::string script = locking == Locking::kExclusive ? "PRAGMA locking_mode=EXCLUSIVE;" : "";
  script +=
      "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
      "PRAGMA synchronous=FULL;";
  GODWIT_RETURN_IF_ERROR(connection->RunScript(script).WithContext("open " + path));
  return connection;
}

Status SqliteConnection::StartWal() {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, Query("PRAGMA journal_mode=WAL"));
  if (rows.empty() || rows[0].Text(0) != "wal") {
    return Status(StatusCode::kIo,
                  "database: this disk offers no write-ahead logging; put the data folder on a "
                  "local disk");
  }
  // A burst may grow the log; give the space back afterwards.
  return RunScript("PRAGMA journal_size_limit=67108864;");
}

Status SqliteConnection::SetSync(Sync sync) {
  return RunScript(sync == Sync::kCommits ? "PRAGMA synchronous=FULL"
                                          : "PRAGMA synchronous=NORMAL");
}

Status SqliteConnection::MakeReadOnly() { return RunScript("PRAGMA query_only=ON;"); }

void SqliteConnection::KeepWalOnClose() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Status SqliteConnection::LastError(std::string_view sql) const { return ErrorOf(handle_, sql); }

Result<SqliteConnection::Statement*> SqliteConnection::Prepare(std::string_view sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second.get();
  if (statements_.size() >= kStatementsMax) statements_.clear();

  auto statement = std::make_unique<Statement>();
  const char* rest = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement->handle, &rest) != SQLITE_OK) {
    return LastError(sql);
  }
  if (statement->handle == nullptr || rest != sql.data() + sql.size()) {
    return Status(StatusCode::kInternal,
                  "database: not exactly one statement: " + std::string(sql));
  }
  const int count = sqlite3_bind_parameter_count(statement->handle);
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement->handle, i);
    const std::string_view digits(name == nullptr ? "" : name + 1);
    size_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (name == nullptr || name[0] != '$' || number == 0) {
      return Status(StatusCode::kInternal,
                    "database: parameters must be $1, $2 and so on: " + std::string(sql));
    }
    statement->numbers.push_back(number);
    statement->number_max = std::max(statement->number_max, number);
  }
  Statement* prepared = statement.get();
  statements_.emplace(sql, std::move(statement));
  return prepared;
}

Status SqliteConnection::Bind(const Statement& statement, std::span<const SqlValue> params) {
  for (size_t i = 0; i < statement.numbers.size(); ++i) {
    const SqlValue& value = params[statement.numbers[i] - 1];
    const int index = static_cast<int>(i) + 1;
    int bound = SQLITE_OK;
    if (const auto* whole = std::get_if<int64_t>(&value)) {
      bound = sqlite3_bind_int64(statement.handle, index, *whole);
    } else if (const auto* real = std::get_if<double>(&value)) {
      bound = sqlite3_bind_double(statement.handle, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      // Not copied: params outlive the statement's run.
      bound = sqlite3_bind_text64(statement.handle, index, text->data(), text->size(),
                                  SQLITE_STATIC, SQLITE_UTF8);
    } else {
      bound = sqlite3_bind_null(statement.handle, index);
    }
    if (bound != SQLITE_OK) return LastError("bind");
  }
  return Status::Ok();
}

Result<SqlRows> SqliteConnection::Query(std::string_view sql, std::span<const SqlValue> params) {
  GODWIT_ASSIGN_OR_RETURN(Statement* const statement, Prepare(sql));
  if (statement->number_max != params.size()) {
    return Status(StatusCode::kInternal,
                  "database: " + std::to_string(params.size()) + " values given for " +
                      std::to_string(statement->number_max) + " in: " + std::string(sql));
  }
  const auto reset = [](sqlite3_stmt* handle) {
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
  };
  const std::unique_ptr<sqlite3_stmt, decltype(reset)> run(statement->handle, reset);
  GODWIT_RETURN_IF_ERROR(Bind(*statement, params));
  SqlRows rows;
  int stepped = 0;
  while ((stepped = sqlite3_step(run.get())) == SQLITE_ROW) {
    std::vector<SqlValue> values;
    const int columns = sqlite3_column_count(run.get());
    values.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(ColumnOf(run.get(), i));
    rows.emplace_back(std::move(values));
  }
  if (stepped != SQLITE_DONE) return LastError(sql);
  return rows;
}

Result<int64_t> SqliteConnection::Execute(std::string_view sql, std::span<const SqlValue> params) {
  const int64_t before = sqlite3_total_changes64(handle_);
  GODWIT_RETURN_IF_ERROR(Query(sql, params).status());
  // The total counts what cascades change, too; changes64 alone keeps an older statement's
  // number after one that changes nothing.
  return sqlite3_total_changes64(handle_) == before ? int64_t{0} : sqlite3_changes64(handle_);
}

Status SqliteConnection::RunScript(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError(sql);
  }
  return Status::Ok();
}

Status SqliteConnection::InTransaction(const char* begin,
                                       const std::function<Status(SqlConnection&)>& body) {
  GODWIT_RETURN_IF_ERROR(Query(begin).status());
  struct RollBack {
    SqliteConnection& connection;
    ~RollBack() {
      // SQLite itself has rolled back after some errors.
      if (sqlite3_get_autocommit(connection.handle_) != 0) return;
      sqlite3_exec(connection.handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
  } roll_back{*this};
  GODWIT_RETURN_IF_ERROR(body(*this));
  if (sqlite3_get_autocommit(handle_) != 0) {
    return Status(StatusCode::kAborted,
                  "database: the transaction was rolled back after an error; retry it");
  }
  return Query("COMMIT").status();
}

}  // namespace godwit::server
