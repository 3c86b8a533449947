#include "server/db/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "server/db/migrations.h"
#include "server/db/sqlite_connection.h"
#include "server/db/vfs_on_file_system.h"

namespace godwit::server {
namespace {

constexpr size_t kReadersMax = 8;

using Body = std::function<Status(SqlConnection&)>;

class SqliteDatabase final : public Database {
 public:
  // vfs: null for SQLite's own. With one of ours there is one connection for everything.
  SqliteDatabase(std::string path, std::unique_ptr<VfsOnFileSystem> vfs)
      : path_(std::move(path)), vfs_(std::move(vfs)) {}

  Status Open(const Clock& clock, Logger& logger) {
    const auto locking =
        vfs_ ? SqliteConnection::Locking::kExclusive : SqliteConnection::Locking::kShared;
    GODWIT_ASSIGN_OR_RETURN(writer_, SqliteConnection::Open(path_, VfsName(), locking));
    const Status known = CheckMigrations(*writer_, BuiltInMigrations());
    if (!known.ok()) {
      writer_->KeepWalOnClose();
      return known;
    }
    GODWIT_RETURN_IF_ERROR(writer_->StartWal());
    return Migrate(*writer_, BuiltInMigrations(), clock, logger);
  }

  Status Read(const Body& body) override {
    if (vfs_) {
      const std::lock_guard lock(writer_mutex_);
      return writer_->InTransaction("BEGIN", body);
    }
    GODWIT_ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> reader, TakeReader());
    struct GiveBack {
      SqliteDatabase& database;
      std::unique_ptr<SqliteConnection>& reader;
      ~GiveBack() { database.GiveReaderBack(std::move(reader)); }
    } give_back{*this, reader};
    return reader->InTransaction("BEGIN", body);
  }

  Status Write(const Body& body) override {
    const std::lock_guard lock(writer_mutex_);
    return writer_->InTransaction("BEGIN IMMEDIATE", body);
  }

  Status WriteTelemetry(const Body& body) override {
    const std::lock_guard lock(writer_mutex_);
    GODWIT_RETURN_IF_ERROR(writer_->SetSync(SqliteConnection::Sync::kCheckpoints));
    const Status written = writer_->InTransaction("BEGIN IMMEDIATE", body);
    // Must not fail: the next Write promises durability.
    GODWIT_RETURN_IF_ERROR(writer_->SetSync(SqliteConnection::Sync::kCommits));
    return written;
  }

 private:
  const char* VfsName() const { return vfs_ ? vfs_->name() : nullptr; }

  // A free reader, or a new one while there are few, or waits.
  Result<std::unique_ptr<SqliteConnection>> TakeReader() {
    {
      std::unique_lock lock(readers_mutex_);
      reader_returned_.wait(lock, [&] { return !readers_.empty() || reader_count_ < kReadersMax; });
      if (!readers_.empty()) {
        auto reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
      }
      ++reader_count_;
    }
    auto reader = SqliteConnection::Open(path_, nullptr, SqliteConnection::Locking::kShared);
    Status status = reader.ok() ? (*reader)->MakeReadOnly() : reader.status();
    if (status.ok()) return reader;
    GiveReaderBack(nullptr);
    return status;
  }

  // nullptr: it could not be opened.
  void GiveReaderBack(std::unique_ptr<SqliteConnection> reader) {
    {
      const std::lock_guard lock(readers_mutex_);
      if (reader) {
        readers_.push_back(std::move(reader));
      } else {
        --reader_count_;
      }
    }
    reader_returned_.notify_one();
  }

  const std::string path_;
  const std::unique_ptr<VfsOnFileSystem> vfs_;  // Outlives the connections below.
  std::mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_;
  std::mutex readers_mutex_;
  std::condition_variable reader_returned_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;
  size_t reader_count_ = 0;
};

// SQLite makes files that others can read; this one holds signing keys. Its companions take
// over its permissions.
void CreatePrivately(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

Result<std::unique_ptr<Database>> OpenAndMigrate(std::unique_ptr<SqliteDatabase> database,
                                                 const std::string& path, const Clock& clock,
                                                 Logger& logger) {
  GODWIT_RETURN_IF_ERROR(database->Open(clock, logger).WithContext(path));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace

bool SqlRow::IsNull(size_t column) const {
  return std::holds_alternative<std::nullptr_t>(values_.at(column));
}

int64_t SqlRow::Int(size_t column) const {
  const auto* value = std::get_if<int64_t>(&values_.at(column));
  return value == nullptr ? 0 : *value;
}

double SqlRow::Double(size_t column) const {
  if (const auto* real = std::get_if<double>(&values_.at(column))) return *real;
  return static_cast<double>(Int(column));
}

const std::string& SqlRow::Text(size_t column) const {
  static const std::string empty;
  const auto* value = std::get_if<std::string>(&values_.at(column));
  return value == nullptr ? empty : *value;
}

Result<std::unique_ptr<Database>> OpenSqliteDatabase(const std::string& path, const Clock& clock,
                                                     Logger& logger) {
  CreatePrivately(path);
  return OpenAndMigrate(std::make_unique<SqliteDatabase>(path, nullptr), path, clock, logger);
}

Result<std::unique_ptr<Database>> OpenSqliteDatabaseOn(FileSystem& fs, const std::string& path,
                                                       const Clock& clock, Logger& logger) {
  return OpenAndMigrate(std::make_unique<SqliteDatabase>(path, VfsOnFileSystem::Register(fs)), path,
                        clock, logger);
}

}  // namespace godwit::server
