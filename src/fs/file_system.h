// FileSystem: the seam to the disk. Only mains and capi make the real one; tests use
// FaultFileSystem, which loses what was not synced and dies at a chosen operation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

struct FileInfo {
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;  // Wall time of the last write or Touch.
  uint64_t file_id = 0;     // No other file's on that disk while this one has a name or is open.
  bool is_directory = false;
  bool others_may_read = false;  // By its permission bits, users outside of its group.

  int64_t modified_ms() const { return modified_ns / 1'000'000; }
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

// An open file. Not thread-safe, but ReadAt may run beside ReadAt. Closes when destroyed,
// without syncing.
class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes at the offset; fewer only at the end of the file, 0 past it.
  virtual Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) = 0;

  // Writes all of data at the offset; a gap reads as zeros. kNotEnoughSpace when the disk is
  // full (part of data may then be written).
  virtual Status WriteAt(uint64_t offset, std::span<const std::byte> data) = 0;

  virtual Status Truncate(uint64_t size_bytes) = 0;
  virtual Result<uint64_t> Size() = 0;

  // Of this very file, whatever its name leads to meanwhile.
  virtual Result<FileInfo> Info() = 0;

  // Returns once data and size survive a power loss. The file's name survives only after
  // FileSystem::SyncDirectory on its folder.
  virtual Status Sync() = 0;

  // The descriptor to hand to sendfile or mmap; -1 where there is none.
  virtual int descriptor() const { return -1; }
};

// Held while it lives; released by the kernel when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kRead,       // kNotFound when absent.
  kReadWrite,  // Created when absent, kept when present.
  kCreateNew,  // kAlreadyExists when present.
};

enum class LockMode { kShared, kExclusive };

// Thread-safe. Paths are UTF-8, '/' separated. Every failed call names its path in the message.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // New files get permission bits 0600 less the process's mask.
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;

  // Atomic for readers: they see the old target or the new one. Durable only after
  // SyncDirectory on the target's folder.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;

  // Ok when absent.
  virtual Status Remove(const std::string& path) = 0;

  // Creates the folder and its parents (0700); Ok when present. Durable only after
  // SyncDirectory on the parent.
  virtual Status CreateDirectories(const std::string& path) = 0;

  // Removes an empty folder; Ok when absent.
  virtual Status RemoveDirectory(const std::string& path) = 0;

  // Names (not paths) in the folder, sorted. kNotFound when the folder is absent.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;

  virtual Result<FileInfo> Stat(const std::string& path) = 0;

  // Makes now the time of the file's last write. A power loss may undo it.
  virtual Status Touch(const std::string& path) = 0;

  // Returns once creations, renames and removals in the folder survive a power loss.
  virtual Status SyncDirectory(const std::string& path) = 0;

  // Takes flock on the file (created when absent) and blocks until it is free.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) = 0;

  // As Lock, but kUnavailable at once when another holds it.
  virtual Result<std::unique_ptr<FileLock>> TryLock(const std::string& path, LockMode mode) = 0;

  // Bytes that this process may still write to the disk that holds path.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;
};

std::unique_ptr<FileSystem> NewPosixFileSystem();

// Makes `path` hold exactly `bytes`, atomically and durably: writes `path`.tmp, syncs it,
// renames, syncs the folder (two syncs). After a crash at any instant a reader sees the old
// file or the new one. Callers that may race must hold a lock.
Status ReplaceFile(FileSystem& fs, const std::string& path, std::string_view bytes);

// Creates the folder and its parents and makes their names durable. Also syncs those that it
// finds, for who made them may have died before that; where this user may not, that is skipped.
Status CreateDirectoriesDurably(FileSystem& fs, const std::string& path);

// The whole file; kOutOfRange when it is larger than max_bytes.
Result<std::string> ReadWholeFile(FileSystem& fs, const std::string& path, uint64_t max_bytes);

// "a/b" from "a" and "b". One place joins paths.
std::string JoinPath(std::string_view folder, std::string_view name);

// "a" from "a/b"; "." when there is no slash; "/" for "/b".
std::string ParentPath(std::string_view path);

}  // namespace godwit
