#include "server/db/vfs_on_file_system.h"

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <new>

namespace godwit::server {
namespace {

constexpr int kPathMax = 4096;

// What SQLite allocates for an open file (szOsFile bytes); `methods` must come first.
struct OpenFile {
  const sqlite3_io_methods* methods;
  FileSystem* fs;
  File* file;
  std::string* path;
  // The name of a new file must be made durable with its first bytes.
  bool directory_synced;
};

OpenFile& Self(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
FileSystem& FileSystemOf(sqlite3_vfs* vfs) { return *static_cast<FileSystem*>(vfs->pAppData); }

// SQLite's code for a write that did not work: a full disk is told apart.
int WriteError(const Status& status, int otherwise) {
  return status.code() == StatusCode::kNotEnoughSpace ? SQLITE_FULL : otherwise;
}

int Close(sqlite3_file* file) {
  delete Self(file).file;
  delete Self(file).path;
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  const std::span<std::byte> bytes(static_cast<std::byte*>(out), static_cast<size_t>(size));
  const auto count = Self(file).file->ReadAt(static_cast<uint64_t>(offset), bytes);
  if (!count.ok()) return SQLITE_IOERR_READ;
  if (*count == bytes.size()) return SQLITE_OK;
  std::memset(bytes.data() + *count, 0, bytes.size() - *count);  // As SQLite demands.
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data),
                                         static_cast<size_t>(size));
  const Status status = Self(file).file->WriteAt(static_cast<uint64_t>(offset), bytes);
  return status.ok() ? SQLITE_OK : WriteError(status, SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  const Status status = Self(file).file->Truncate(static_cast<uint64_t>(size));
  return status.ok() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int Sync(sqlite3_file* file, int) {
  OpenFile& self = Self(file);
  const Status status = self.file->Sync();
  if (!status.ok()) return WriteError(status, SQLITE_IOERR_FSYNC);
  if (self.directory_synced) return SQLITE_OK;
  if (!self.fs->SyncDirectory(ParentPath(*self.path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
  self.directory_synced = true;
  return SQLITE_OK;
}

int FileSize(sqlite3_file* file, sqlite3_int64* out) {
  const auto size = Self(file).file->Size();
  if (!size.ok()) return SQLITE_IOERR_FSTAT;
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

// One connection alone: locks are always free.
int Lock(sqlite3_file*, int) { return SQLITE_OK; }
int Unlock(sqlite3_file*, int) { return SQLITE_OK; }
int CheckReservedLock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int SectorSize(sqlite3_file*) { return 4096; }
// What SQLite's own VFS says of a disk: a torn write spoils no bytes beside its own.
int DeviceCharacteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// Version 1: no shared memory and no memory mapping.
constexpr sqlite3_io_methods kMethods = {1,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr};

Result<std::unique_ptr<File>> OpenAs(FileSystem& fs, const std::string& path, int flags) {
  if ((flags & SQLITE_OPEN_READONLY) != 0) return fs.Open(path, OpenMode::kRead);
  if ((flags & SQLITE_OPEN_CREATE) == 0) GODWIT_RETURN_IF_ERROR(fs.Stat(path).status());
  const bool must_be_new = (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
  return fs.Open(path, must_be_new ? OpenMode::kCreateNew : OpenMode::kReadWrite);
}

int Open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* out, int flags, int* out_flags) {
  OpenFile& self = Self(out);
  self.methods = nullptr;                       // Until it is open there is nothing to close.
  if (name == nullptr) return SQLITE_CANTOPEN;  // Temporary files live in memory.
  auto file = OpenAs(FileSystemOf(vfs), name, flags);
  if (!file.ok()) return WriteError(file.status(), SQLITE_CANTOPEN);
  new (&self) OpenFile{&kMethods, &FileSystemOf(vfs), std::move(file).value().release(),
                       new std::string(name), (flags & SQLITE_OPEN_CREATE) == 0};
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FileSystem& fs = FileSystemOf(vfs);
  if (!fs.Remove(path).ok()) return SQLITE_IOERR_DELETE;
  if (sync_directory != 0 && !fs.SyncDirectory(ParentPath(path)).ok()) {
    return SQLITE_IOERR_DIR_FSYNC;
  }
  return SQLITE_OK;
}

int Access(sqlite3_vfs* vfs, const char* path, int, int* out) {
  const auto info = FileSystemOf(vfs).Stat(path);
  if (!info.ok() && info.status().code() != StatusCode::kNotFound) return SQLITE_IOERR_ACCESS;
  *out = info.ok() && info->size_bytes > 0 ? 1 : 0;  // An empty journal is none.
  return SQLITE_OK;
}

int FullPathname(sqlite3_vfs*, const char* path, int size, char* out) {
  const size_t length = std::strlen(path);
  if (length >= static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, length + 1);
  return SQLITE_OK;
}

// Randomness and time are not the disk's affair: SQLite's own serve.
sqlite3_vfs* Own() { return sqlite3_vfs_find(nullptr); }
int Randomness(sqlite3_vfs*, int size, char* out) { return Own()->xRandomness(Own(), size, out); }
int Sleep(sqlite3_vfs*, int micros) { return Own()->xSleep(Own(), micros); }
int CurrentTime(sqlite3_vfs*, double* out) { return Own()->xCurrentTime(Own(), out); }
int GetLastError(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

std::unique_ptr<VfsOnFileSystem> VfsOnFileSystem::Register(FileSystem& fs) {
  return std::unique_ptr<VfsOnFileSystem>(new VfsOnFileSystem(fs));
}

VfsOnFileSystem::VfsOnFileSystem(FileSystem& fs) : vfs_(std::make_unique<sqlite3_vfs>()) {
  static std::atomic<int> counter = 0;
  name_ = "godwit-" + std::to_string(++counter);
  sqlite3_initialize();
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->mxPathname = kPathMax;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = &fs;
  vfs_->xOpen = Open;
  vfs_->xDelete = Delete;
  vfs_->xAccess = Access;
  vfs_->xFullPathname = FullPathname;
  vfs_->xRandomness = Randomness;
  vfs_->xSleep = Sleep;
  vfs_->xCurrentTime = CurrentTime;
  vfs_->xGetLastError = GetLastError;
  sqlite3_vfs_register(vfs_.get(), 0);
}

VfsOnFileSystem::~VfsOnFileSystem() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace godwit::server
