#include "server/blob/sync_journal.h"

#include <array>
#include <span>
#include <utility>

#include "digest/digest.h"

namespace godwit::server {
namespace {

// size_bytes (8), crc32c (4), CRC-32C of these 12 bytes (4); little-endian.
constexpr size_t kRecordBytes = 16;
constexpr size_t kCheckedBytes = 12;
using Record = std::array<std::byte, kRecordBytes>;

constexpr uint64_t kJournalMaxBytes = 16 << 20;

void Put(uint64_t value, std::span<std::byte> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(value >> (8 * i));
}

uint64_t Get(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

Record Encode(const SyncedPart& part) {
  Record record;
  const std::span<std::byte> bytes(record);
  Put(part.size_bytes, bytes.first(8));
  Put(part.crc32c, bytes.subspan(8, 4));
  Put(Crc32c(0, bytes.first(kCheckedBytes)), bytes.subspan(kCheckedBytes));
  return record;
}

bool IsWhole(std::span<const std::byte> record) {
  return Get(record.subspan(kCheckedBytes)) == Crc32c(0, record.first(kCheckedBytes));
}

}  // namespace

Result<SyncJournal> SyncJournal::Open(FileSystem& fs, const std::string& path) {
  GODWIT_ASSIGN_OR_RETURN(auto file, fs.Open(path, OpenMode::kReadWrite));
  GODWIT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(fs, path, kJournalMaxBytes));
  const auto bytes = std::as_bytes(std::span(text));
  SyncedPart last;
  uint64_t record_count = 0;
  for (; (record_count + 1) * kRecordBytes <= bytes.size(); ++record_count) {
    const auto record =
        bytes.subspan(static_cast<size_t>(record_count) * kRecordBytes, kRecordBytes);
    if (!IsWhole(record)) continue;
    last = {Get(record.first(8)), static_cast<uint32_t>(Get(record.subspan(8, 4)))};
  }
  return SyncJournal(std::move(file), record_count, last);
}

Status SyncJournal::Append(const SyncedPart& part) {
  GODWIT_RETURN_IF_ERROR(file_->WriteAt(record_count_ * kRecordBytes, Encode(part)));
  GODWIT_RETURN_IF_ERROR(file_->Sync());
  ++record_count_;
  last_ = part;
  return Status::Ok();
}

Status SyncJournal::Clear() {
  GODWIT_RETURN_IF_ERROR(file_->Truncate(0));
  GODWIT_RETURN_IF_ERROR(file_->Sync());
  record_count_ = 0;
  last_ = {};
  return Status::Ok();
}

}  // namespace godwit::server
