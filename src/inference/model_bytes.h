// ModelBytes: a model file's bytes, in one place for as long as an interpreter needs them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace godwit {

// Owns the bytes; moves. Aligned as the interpreter's kernels want constants.
class ModelBytes {
 public:
  // Maps the file; processes that map the same one share its pages. The file must not be
  // written while mapped (replace it by rename instead). kNotFound, kIo.
  static Result<ModelBytes> Map(const std::string& path);
  static ModelBytes Copy(std::span<const std::byte> bytes);

  ModelBytes(ModelBytes&& other) noexcept { *this = std::move(other); }
  ModelBytes& operator=(ModelBytes&& other) noexcept;
  ~ModelBytes();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  ModelBytes() = default;

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool mapped_ = false;
};

}  // namespace godwit
