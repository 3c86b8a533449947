#include "cli/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace godwit::cli {
namespace {

Status OpenError(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return Status(StatusCode::kNotFound, "there is no file '" + path +
                                             "', so nothing was done; check the path (relative "
                                             "paths start at the current folder)");
  }
  const std::string reason = std::generic_category().message(error);
  return Status(error == EACCES ? StatusCode::kPermissionDenied : StatusCode::kIo,
                "the file '" + path + "' cannot be read (" + reason +
                    "), so nothing was done; check its permissions");
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path, errno);
  struct stat info{};
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    return Status(StatusCode::kInvalidArgument,
                  "'" + path +
                      "' is not a regular file, so nothing was done; give the path of a "
                      "file");
  }
  const auto size_bytes = static_cast<size_t>(info.st_size);
  if (size_bytes == 0) {  // mmap refuses to map nothing.
    close(descriptor);
    return MappedFile(std::span<const std::byte>());
  }
  void* address = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int error = errno;
  close(descriptor);
  if (address == MAP_FAILED) return OpenError(path, error);
  return MappedFile(std::span(static_cast<const std::byte*>(address), size_bytes));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace godwit::cli
