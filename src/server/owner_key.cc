#include "server/owner_key.h"

#include "server/access/service_accounts.h"

namespace godwit::server {

Result<std::unique_ptr<FileLock>> LockFolder(FileSystem& fs, const std::string& folder) {
  auto lock = fs.TryLock(JoinPath(folder, "lock"), LockMode::kExclusive);
  if (lock.ok() || lock.status().code() != StatusCode::kUnavailable) return lock;
  return Status(StatusCode::kUnavailable,
                "another godwitd is running on " + folder +
                    "; stop it first, or give this one another folder with --data");
}

Result<std::string> MakeOwnerKey(const ServerConfig& config, FileSystem& fs, const Clock& clock,
                                 Logger& logger, const std::string& path) {
  const std::string database_path = JoinPath(config.data_directory, "godwit.db");
  if (!fs.Stat(database_path).ok()) {
    return Status(StatusCode::kNotFound, config.data_directory +
                                             " is no server's folder; start godwitd on it once, "
                                             "and it makes an owner's key itself");
  }
  if (fs.Stat(path).ok()) {
    return Status(StatusCode::kAlreadyExists,
                  path + " exists already, so nothing was done; name a new file");
  }
  GODWIT_ASSIGN_OR_RETURN(const auto lock, LockFolder(fs, config.data_directory));
  GODWIT_ASSIGN_OR_RETURN(const auto database, OpenSqliteDatabase(database_path, clock, logger));
  GODWIT_ASSIGN_OR_RETURN(
      const auto access,
      AccessStore::Open(*database, clock,
                        PublicUrl(config, PlainListen(config), config.listen_tls)));
  GODWIT_ASSIGN_OR_RETURN(
      const ServiceAccount account,
      CreateOwner(*access, [&](const std::string& json) { return ReplaceFile(fs, path, json); }));
  return account.email;
}

}  // namespace godwit::server
