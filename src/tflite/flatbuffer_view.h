// Walks a FlatBuffers file of unknown origin. Every offset is checked before it is followed,
// and a budget in proportion to the file bounds the whole walk, so that tables which share or
// overlap each other cannot make it longer than linear.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace godwit::tflite {

class FlatVector;

// The file and the first fault found in it. After a fault every accessor answers "empty", so
// a caller checks status() once at the end of a step. Not thread-safe.
class FlatFile {
 public:
  // data is borrowed. kind starts each message ("not a TensorFlow Lite model").
  FlatFile(std::span<const std::byte> data, std::string_view kind);

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  uint64_t size() const { return data_.size(); }

  // Keeps the first fault only; its message gets the byte offset.
  void Fail(std::string_view what, uint64_t offset);

  // Charges the walk's budget; false (and a fault) when it is used up.
  bool Charge(uint64_t bytes, uint64_t offset);

  // True when [offset, offset + length) lies in the file; else a fault.
  bool Contains(uint64_t offset, uint64_t length, std::string_view what);

  // Little-endian. REQUIRES: Contains(offset, sizeof(T)).
  template <typename T>
  T Load(uint64_t offset) const {
    T value;
    std::memcpy(&value, data_.data() + offset, sizeof(T));
    return value;
  }

  std::span<const std::byte> Bytes(uint64_t offset, uint64_t length) const {
    return data_.subspan(offset, length);
  }

 private:
  const std::span<const std::byte> data_;
  const std::string kind_;
  uint64_t budget_;
  Status status_;
};

// A table of the file; a value type that borrows the FlatFile. A default-constructed or absent
// one has no fields.
class FlatTable {
 public:
  FlatTable() = default;
  static FlatTable Root(FlatFile& file);
  static FlatTable At(FlatFile& file, uint64_t offset);

  bool present() const { return file_ != nullptr; }
  uint64_t offset() const { return offset_; }

  template <typename T>
  T Scalar(int field, T fallback) const {
    const uint64_t at = FieldAt(field, sizeof(T));
    return at == 0 ? fallback : file_->Load<T>(at);
  }
  FlatTable Table(int field) const;
  FlatVector Vector(int field, uint32_t element_bytes) const;
  // A copy's source; empty when absent, a fault when longer than bytes_max.
  std::string_view String(int field, uint32_t bytes_max) const;

 private:
  // Where the field lies in the file; 0 when the table does not have it.
  uint64_t FieldAt(int field, uint32_t bytes) const;
  // Where the field's offset leads; 0 when absent or faulty.
  uint64_t Follow(int field) const;

  FlatFile* file_ = nullptr;
  uint64_t offset_ = 0;
  uint64_t vtable_ = 0;
  uint32_t vtable_bytes_ = 0;
  uint32_t table_bytes_ = 0;
};

// A vector whose elements all lie in the file. A value type that borrows the FlatFile.
class FlatVector {
 public:
  FlatVector() = default;
  FlatVector(FlatFile& file, uint64_t offset, uint32_t count) : file_(&file), offset_(offset) {
    count_ = count;
  }

  bool present() const { return file_ != nullptr; }
  uint32_t size() const { return count_; }
  uint64_t offset() const { return offset_; }

  // REQUIRES: index < size(), and sizeof(T) is the element size asked for.
  template <typename T>
  T Value(uint32_t index) const {
    return file_->Load<T>(offset_ + uint64_t{index} * sizeof(T));
  }
  // The table that an element of a vector of offsets leads to.
  FlatTable Table(uint32_t index) const;
  std::string_view String(uint32_t index, uint32_t bytes_max) const;
  std::span<const std::byte> Bytes() const;

 private:
  FlatFile* file_ = nullptr;
  uint64_t offset_ = 0;
  uint32_t count_ = 0;
};

}  // namespace godwit::tflite
