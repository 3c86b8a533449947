// VfsOnFileSystem: SQLite's files on a FileSystem of ours.
#pragma once

#include <memory>
#include <string>

#include "fs/file_system.h"

struct sqlite3_vfs;

namespace godwit::server {

// Registered with SQLite under a name of its own while it lives; outlives its connections, and
// is outlived by the file system. It keeps no locks between connections and has no shared
// memory: a database on it has one connection, in exclusive locking mode. Thread-safe as the
// file system is.
class VfsOnFileSystem {
 public:
  static std::unique_ptr<VfsOnFileSystem> Register(FileSystem& fs);
  ~VfsOnFileSystem();

  const char* name() const { return name_.c_str(); }

 private:
  explicit VfsOnFileSystem(FileSystem& fs);

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace godwit::server
