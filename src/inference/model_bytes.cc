#include "inference/model_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace godwit {
namespace {

constexpr std::align_val_t kAlignment{64};

Status ErrnoStatus(const std::string& path, int error) {
  const StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound
                          : error == EACCES                   ? StatusCode::kPermissionDenied
                                                              : StatusCode::kIo;
  return Status(code, "read model '" + path + "': " + std::strerror(error));
}

}  // namespace

Result<ModelBytes> ModelBytes::Map(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoStatus(path, errno);
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return Status(StatusCode::kInvalidArgument, "read model '" + path + "': not a regular file");
  }
  ModelBytes model;
  model.size_ = static_cast<size_t>(status.st_size);
  if (model.size_ > 0) {
    void* const data = mmap(nullptr, model.size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) {
      const int error = errno;
      close(descriptor);
      return ErrnoStatus(path, error);
    }
    model.data_ = static_cast<std::byte*>(data);
    model.mapped_ = true;
  }
  close(descriptor);
  return model;
}

ModelBytes ModelBytes::Copy(std::span<const std::byte> bytes) {
  ModelBytes model;
  if (bytes.empty()) return model;
  model.data_ = static_cast<std::byte*>(::operator new(bytes.size(), kAlignment));
  model.size_ = bytes.size();
  std::memcpy(model.data_, bytes.data(), bytes.size());
  return model;
}

ModelBytes& ModelBytes::operator=(ModelBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

ModelBytes::~ModelBytes() {
  if (data_ == nullptr) return;
  if (mapped_) {
    munmap(data_, size_);
  } else {
    ::operator delete(data_, kAlignment);
  }
}

}  // namespace godwit
