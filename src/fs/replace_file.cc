// What every FileSystem can do by its own operations.
#include <utility>

#include "fs/file_system.h"

namespace godwit {
namespace {

Status WriteNewFile(FileSystem& fs, const std::string& path, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(path, OpenMode::kReadWrite));
  // A crash may have left a longer one behind.
  GODWIT_RETURN_IF_ERROR(file->Truncate(0));
  GODWIT_RETURN_IF_ERROR(file->WriteAt(0, std::as_bytes(std::span(bytes))));
  return file->Sync();
}

}  // namespace

Status ReplaceFile(FileSystem& fs, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  Status status = WriteNewFile(fs, temporary, bytes);
  // Renames after the sync: a name must never lead to bytes that are not on the disk yet.
  if (status.ok()) status = fs.Rename(temporary, path);
  if (!status.ok()) {
    (void)fs.Remove(temporary);
    return status;
  }
  return fs.SyncDirectory(ParentPath(path));
}

Status CreateDirectoriesDurably(FileSystem& fs, const std::string& path) {
  const std::string parent = ParentPath(path);
  if (parent == path) return Status::Ok();
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs, parent));
  const auto info = fs.Stat(path);
  if (info.ok() && info->is_directory) {
    (void)fs.SyncDirectory(parent);
    return Status::Ok();
  }
  GODWIT_RETURN_IF_ERROR(fs.CreateDirectories(path));
  return fs.SyncDirectory(parent);
}

Result<std::string> ReadWholeFile(FileSystem& fs, const std::string& path, uint64_t max_bytes) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kRead));
  GODWIT_ASSIGN_OR_RETURN(const uint64_t size_bytes, file->Size());
  if (size_bytes > max_bytes) {
    return Status(StatusCode::kOutOfRange, "read " + path + ": the file has " +
                                               std::to_string(size_bytes) + " bytes, at most " +
                                               std::to_string(max_bytes) + " are read here");
  }
  std::string bytes(static_cast<size_t>(size_bytes), '\0');
  GODWIT_ASSIGN_OR_RETURN(const size_t count,
                          file->ReadAt(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(count);  // It may have shrunk meanwhile.
  return bytes;
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

std::string ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace godwit
