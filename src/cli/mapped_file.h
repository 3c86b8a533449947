// MappedFile: a whole file as read-only bytes, without copying it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace godwit::cli {

// Movable. The bytes stay valid while this lives; another process that shortens the file
// meanwhile would kill this one, as with any mapping.
class MappedFile {
 public:
  // kNotFound, kPermissionDenied, or kInvalidArgument for a folder or a device.
  static Result<MappedFile> Open(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace godwit::cli
