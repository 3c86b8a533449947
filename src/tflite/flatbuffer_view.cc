#include "tflite/flatbuffer_view.h"

namespace godwit::tflite {
namespace {

// Writers share equal strings and vtables, so a walk may pass some bytes more than once; real
// models stay below 3 times their size.
constexpr uint64_t kBudgetFactor = 16;
constexpr uint64_t kBudgetFloorBytes = 64 * 1024;

// Reads the string whose length lies at `at`.
std::string_view StringAt(FlatFile& file, uint64_t at, uint32_t bytes_max) {
  if (!file.Contains(at, 4, "the length of a string")) return {};
  const uint32_t length = file.Load<uint32_t>(at);
  if (!file.Contains(at + 4, length, "a string")) return {};
  if (length > bytes_max) {
    file.Fail("a string is longer than the limit of " + std::to_string(bytes_max) + " bytes", at);
    return {};
  }
  if (!file.Charge(4 + uint64_t{length}, at)) return {};
  const std::span<const std::byte> bytes = file.Bytes(at + 4, length);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Where the offset stored at `at` leads. A zero would lead to itself.
uint64_t FollowAt(FlatFile& file, uint64_t at) {
  if (!file.Contains(at, 4, "an offset")) return 0;
  const uint32_t distance = file.Load<uint32_t>(at);
  if (distance == 0) {
    file.Fail("an offset is zero", at);
    return 0;
  }
  return at + distance;
}

}  // namespace

FlatFile::FlatFile(std::span<const std::byte> data, std::string_view kind)
    : data_(data), kind_(kind), budget_(data.size() * kBudgetFactor + kBudgetFloorBytes) {}

void FlatFile::Fail(std::string_view what, uint64_t offset) {
  if (!status_.ok()) return;
  std::string message = kind_;
  message.append(": ").append(what).append(" (at byte ").append(std::to_string(offset));
  message.append(" of ").append(std::to_string(data_.size())).append(")");
  status_ = Status(StatusCode::kInvalidArgument, std::move(message));
}

bool FlatFile::Charge(uint64_t bytes, uint64_t offset) {
  if (!ok()) return false;
  if (bytes > budget_) {
    Fail("its tables overlap so often that it cannot be an honest file", offset);
    return false;
  }
  budget_ -= bytes;
  return true;
}

bool FlatFile::Contains(uint64_t offset, uint64_t length, std::string_view what) {
  if (!ok()) return false;
  if (offset <= data_.size() && length <= data_.size() - offset) return true;
  Fail(std::string(what) + " ends outside the file; is it truncated?", offset);
  return false;
}

FlatTable FlatTable::Root(FlatFile& file) {
  const uint64_t at = FollowAt(file, 0);
  return at == 0 ? FlatTable() : At(file, at);
}

FlatTable FlatTable::At(FlatFile& file, uint64_t offset) {
  if (!file.Contains(offset, 4, "a table")) return {};
  FlatTable table;
  table.offset_ = offset;
  const int64_t vtable =
      static_cast<int64_t>(offset) - static_cast<int64_t>(file.Load<int32_t>(offset));
  if (vtable < 0) {
    file.Fail("a table's field list lies before the file", offset);
    return {};
  }
  table.vtable_ = static_cast<uint64_t>(vtable);
  if (!file.Contains(table.vtable_, 4, "a table's field list")) return {};
  table.vtable_bytes_ = file.Load<uint16_t>(table.vtable_);
  table.table_bytes_ = file.Load<uint16_t>(table.vtable_ + 2);
  if (table.vtable_bytes_ < 4 || table.vtable_bytes_ % 2 != 0 || table.table_bytes_ < 4) {
    file.Fail("a table's field list is damaged", table.vtable_);
    return {};
  }
  if (!file.Contains(table.vtable_, table.vtable_bytes_, "a table's field list") ||
      !file.Contains(offset, table.table_bytes_, "a table") ||
      !file.Charge(table.table_bytes_, offset)) {
    return {};
  }
  table.file_ = &file;
  return table;
}

uint64_t FlatTable::FieldAt(int field, uint32_t bytes) const {
  if (file_ == nullptr || !file_->ok()) return 0;
  const uint32_t slot = 4 + 2 * static_cast<uint32_t>(field);
  if (slot + 2 > vtable_bytes_) return 0;
  const uint32_t within = file_->Load<uint16_t>(vtable_ + slot);
  if (within == 0) return 0;
  if (within < 4 || within + bytes > table_bytes_) {
    file_->Fail("a field lies outside its table", vtable_ + slot);
    return 0;
  }
  return offset_ + within;
}

uint64_t FlatTable::Follow(int field) const {
  const uint64_t at = FieldAt(field, 4);
  return at == 0 ? 0 : FollowAt(*file_, at);
}

FlatTable FlatTable::Table(int field) const {
  const uint64_t at = Follow(field);
  return at == 0 ? FlatTable() : At(*file_, at);
}

FlatVector FlatTable::Vector(int field, uint32_t element_bytes) const {
  const uint64_t at = Follow(field);
  if (at == 0 || !file_->Contains(at, 4, "the length of a vector")) return {};
  const uint32_t count = file_->Load<uint32_t>(at);
  const uint64_t bytes = uint64_t{count} * element_bytes;
  if (!file_->Contains(at + 4, bytes, "a vector of " + std::to_string(count) + " elements") ||
      !file_->Charge(4 + bytes, at)) {
    return {};
  }
  return FlatVector(*file_, at + 4, count);
}

std::string_view FlatTable::String(int field, uint32_t bytes_max) const {
  const uint64_t at = Follow(field);
  return at == 0 ? std::string_view() : StringAt(*file_, at, bytes_max);
}

FlatTable FlatVector::Table(uint32_t index) const {
  const uint64_t at = FollowAt(*file_, offset_ + uint64_t{index} * 4);
  return at == 0 ? FlatTable() : FlatTable::At(*file_, at);
}

std::string_view FlatVector::String(uint32_t index, uint32_t bytes_max) const {
  const uint64_t at = FollowAt(*file_, offset_ + uint64_t{index} * 4);
  return at == 0 ? std::string_view() : StringAt(*file_, at, bytes_max);
}

std::span<const std::byte> FlatVector::Bytes() const {
  return file_ == nullptr ? std::span<const std::byte>() : file_->Bytes(offset_, count_);
}

}  // namespace godwit::tflite
