// The real disk, by POSIX calls.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "fs/file_system.h"

namespace godwit {
namespace {

struct ErrorMeaning {
  StatusCode code;
  const char* next_step;  // Appended to the system's own sentence.
};

ErrorMeaning MeaningOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {StatusCode::kNotFound, ""};
    case EEXIST:
      return {StatusCode::kAlreadyExists, ""};
    case ENOTEMPTY:
      return {StatusCode::kFailedPrecondition, ""};
    case ENOSPC:
    case EDQUOT:
      return {StatusCode::kNotEnoughSpace, "; free some space on that disk, then try again"};
    case EFBIG:
      return {StatusCode::kNotEnoughSpace, "; that disk or process may hold no larger file"};
    case EACCES:
    case EPERM:
      return {StatusCode::kPermissionDenied,
              "; let this user read and write there, or choose another folder"};
    case EROFS:
      return {StatusCode::kPermissionDenied, "; choose a folder on a disk that can be written"};
    case EMFILE:
    case ENFILE:
      return {StatusCode::kResourceExhausted, "; raise the limit of open files (ulimit -n)"};
    case EWOULDBLOCK:
      return {StatusCode::kUnavailable, "; another process holds it"};
    default:
      return {StatusCode::kIo, "; check that disk"};
  }
}

Status ErrnoStatus(const char* verb, const std::string& path, int error) {
  const ErrorMeaning meaning = MeaningOf(error);
  return Status(meaning.code, std::string(verb) + " " + path + ": " +
                                  std::generic_category().message(error) + meaning.next_step);
}

// Repeats a call that a signal interrupted.
template <typename Call>
auto RetryOnInterrupt(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    // Not repeated on EINTR: Linux has closed it by then and another thread may own the number.
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }

 private:
  int value_;
};

Result<Descriptor> OpenDescriptor(const char* verb, const std::string& path, int flags) {
  const int fd = RetryOnInterrupt([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); });
  if (fd < 0) return ErrnoStatus(verb, path, errno);
  return Descriptor(fd);
}

// Data and size; not the times, which nothing here relies on after a crash.
int SyncDescriptor(int fd) {
#if defined(__APPLE__)
  // fsync alone leaves the bytes in the drive's cache. Some file systems refuse F_FULLFSYNC.
  if (RetryOnInterrupt([&] { return ::fcntl(fd, F_FULLFSYNC); }) == 0) return 0;
  return RetryOnInterrupt([&] { return ::fsync(fd); });
#else
  return RetryOnInterrupt([&] { return ::fdatasync(fd); });
#endif
}

FileInfo InfoOf(const struct stat& info) {
#if defined(__APPLE__)
  const timespec& time = info.st_mtimespec;
#else
  const timespec& time = info.st_mtim;
#endif
  return {static_cast<uint64_t>(info.st_size),
          int64_t{time.tv_sec} * 1'000'000'000 + int64_t{time.tv_nsec},
          static_cast<uint64_t>(info.st_ino), S_ISDIR(info.st_mode), (info.st_mode & S_IROTH) != 0};
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t count = RetryOnInterrupt([&] {
        return ::pread(descriptor_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) return ErrnoStatus("read", path_, errno);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  Status WriteAt(uint64_t offset, std::span<const std::byte> data) override {
    size_t done = 0;
    while (done < data.size()) {
      const ssize_t count = RetryOnInterrupt([&] {
        return ::pwrite(descriptor_.get(), data.data() + done, data.size() - done,
                        static_cast<off_t>(offset + done));
      });
      if (count < 0) return ErrnoStatus("write", path_, errno);
      done += static_cast<size_t>(count);
    }
    return Status::Ok();
  }

  Status Truncate(uint64_t size_bytes) override {
    const int result = RetryOnInterrupt(
        [&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)); });
    return result == 0 ? Status::Ok() : ErrnoStatus("resize", path_, errno);
  }

  Result<uint64_t> Size() override {
    struct stat info;
    if (::fstat(descriptor_.get(), &info) != 0) return ErrnoStatus("examine", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  Result<FileInfo> Info() override {
    struct stat info;
    if (::fstat(descriptor_.get(), &info) != 0) return ErrnoStatus("examine", path_, errno);
    return InfoOf(info);
  }

  Status Sync() override {
    return SyncDescriptor(descriptor_.get()) == 0 ? Status::Ok()
                                                  : ErrnoStatus("sync", path_, errno);
  }

  int descriptor() const override { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
  std::string path_;
};

// flock belongs to the open file description: it ends with the descriptor, and so with the
// process, however that ends. A second Lock in the same process waits like any other.
class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

Result<std::unique_ptr<FileLock>> Flock(const std::string& path, int operation) {
  auto opened = OpenDescriptor("lock", path, O_RDWR | O_CREAT);
  if (!opened.ok() && opened.status().code() == StatusCode::kPermissionDenied) {
    // flock needs no right to write, so an existing lock file serves on a read-only disk.
    auto read_only = OpenDescriptor("lock", path, O_RDONLY);
    if (!read_only.ok()) return opened.status();
    opened = std::move(read_only);
  }
  if (!opened.ok()) return opened.status();
  if (RetryOnInterrupt([&] { return ::flock(opened->get(), operation); }) != 0) {
    return ErrnoStatus("lock", path, errno);
  }
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(*opened)));
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const int flags = mode == OpenMode::kRead        ? O_RDONLY
                      : mode == OpenMode::kReadWrite ? O_RDWR | O_CREAT
                                                     : O_RDWR | O_CREAT | O_EXCL;
    GODWIT_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor("open", path, flags));
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("rename", from + " to " + to, errno);
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Status::Ok();
    return ErrnoStatus("remove", path, errno);
  }

  Status CreateDirectories(const std::string& path) override {
    for (size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      GODWIT_RETURN_IF_ERROR(CreateDirectory(path.substr(0, slash)));
    }
    return CreateDirectory(path);
  }

  Status RemoveDirectory(const std::string& path) override {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return Status::Ok();
    // Both are allowed for "not empty".
    return ErrnoStatus("remove", path, errno == EEXIST ? ENOTEMPTY : errno);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    DIR* const folder = ::opendir(path.c_str());
    if (folder == nullptr) return ErrnoStatus("list", path, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = ::readdir(folder)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
      errno = 0;
    }
    const int error = errno;
    ::closedir(folder);
    if (error != 0) return ErrnoStatus("list", path, error);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return ErrnoStatus("examine", path, errno);
    return InfoOf(info);
  }

  Status Touch(const std::string& path) override {
    if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return Status::Ok();
    return ErrnoStatus("touch", path, errno);
  }

  Status SyncDirectory(const std::string& path) override {
    GODWIT_ASSIGN_OR_RETURN(const Descriptor descriptor,
                            OpenDescriptor("sync", path, O_RDONLY | O_DIRECTORY));
    if (RetryOnInterrupt([&] { return ::fsync(descriptor.get()); }) == 0) return Status::Ok();
    // Some network file systems have nothing to sync in a folder and say so.
    if (errno == EINVAL || errno == ENOTSUP) return Status::Ok();
    return ErrnoStatus("sync", path, errno);
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) override {
    return Flock(path, mode == LockMode::kShared ? LOCK_SH : LOCK_EX);
  }

  Result<std::unique_ptr<FileLock>> TryLock(const std::string& path, LockMode mode) override {
    return Flock(path, (mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB);
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info;
    if (RetryOnInterrupt([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
      return ErrnoStatus("examine", path, errno);
    }
    return uint64_t{info.f_bavail} * uint64_t{info.f_frsize};
  }

 private:
  static Status CreateDirectory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0) return Status::Ok();
    const int error = errno;
    // Another error than EEXIST may hide a folder that is there: mkdir("/") is EROFS at times.
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return Status::Ok();
      return Status(StatusCode::kAlreadyExists, "create folder " + path + ": a file is there");
    }
    return ErrnoStatus("create folder", path, error);
  }
};

}  // namespace

std::unique_ptr<FileSystem> NewPosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace godwit
