#include "tflite/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace godwit::tflite {
namespace {

constexpr uint64_t kEndBytes = 22;  // Of the end record without its comment.
constexpr uint64_t kCommentBytesMax = 65535;
constexpr uint64_t kDirectoryEntryBytes = 46;
constexpr uint64_t kLocalHeaderBytes = 30;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint16_t kEncryptedFlag = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

Status Damaged(std::string_view what) {
  return Status(StatusCode::kDataLoss,
                "the zip archive behind the model is damaged: " + std::string(what));
}

// REQUIRES: offset + sizeof(T) <= data.size().
template <typename T>
T Load(std::span<const std::byte> data, uint64_t offset) {
  T value;
  std::memcpy(&value, data.data() + offset, sizeof(T));
  return value;
}

bool Contains(std::span<const std::byte> data, uint64_t offset, uint64_t length) {
  return offset <= data.size() && length <= data.size() - offset;
}

std::string_view Text(std::span<const std::byte> data, uint64_t offset, uint64_t length) {
  return {reinterpret_cast<const char*>(data.data() + offset), static_cast<size_t>(length)};
}

// Where the archive's end record starts.
std::optional<uint64_t> FindEnd(std::span<const std::byte> data) {
  if (data.size() < kEndBytes) return std::nullopt;
  const uint64_t last = data.size() - kEndBytes;
  const uint64_t first = last - std::min(last, kCommentBytesMax);
  for (uint64_t at = last + 1; at-- > first;) {
    if (Load<uint32_t>(data, at) == kEndSignature) return at;
  }
  return std::nullopt;
}

struct Entry {
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint32_t packed_bytes = 0;
  uint32_t bytes = 0;
  uint64_t header_offset = 0;
};

// Looks the name up in the archive's directory.
Result<Entry> FindEntry(std::span<const std::byte> data, std::string_view name) {
  const std::optional<uint64_t> end = FindEnd(data);
  if (!end) return Status(StatusCode::kNotFound, "the model has no files attached");
  const uint16_t count = Load<uint16_t>(data, *end + 10);
  const uint64_t directory_bytes = Load<uint32_t>(data, *end + 12);
  const uint64_t directory_offset = Load<uint32_t>(data, *end + 16);
  if (directory_bytes + directory_offset > *end) return Damaged("its directory lies outside");
  // Offsets count from the archive's start, which is not the file's for an appended one.
  const uint64_t base = *end - directory_bytes - directory_offset;
  uint64_t at = base + directory_offset;
  for (uint16_t i = 0; i < count; ++i) {
    if (!Contains(data, at, kDirectoryEntryBytes) ||
        Load<uint32_t>(data, at) != kDirectorySignature) {
      return Damaged("its directory ends early");
    }
    const uint64_t name_bytes = Load<uint16_t>(data, at + 28);
    const uint64_t extra_bytes = Load<uint16_t>(data, at + 30);
    const uint64_t comment_bytes = Load<uint16_t>(data, at + 32);
    if (!Contains(data, at + kDirectoryEntryBytes, name_bytes)) return Damaged("a name is cut off");
    if (Text(data, at + kDirectoryEntryBytes, name_bytes) == name) {
      return Entry{Load<uint16_t>(data, at + 8),  Load<uint16_t>(data, at + 10),
                   Load<uint32_t>(data, at + 16), Load<uint32_t>(data, at + 20),
                   Load<uint32_t>(data, at + 24), base + Load<uint32_t>(data, at + 42)};
    }
    at += kDirectoryEntryBytes + name_bytes + extra_bytes + comment_bytes;
  }
  return Status(StatusCode::kNotFound, "no file '" + std::string(name) + "' is attached");
}

// Unpacks a deflate stream that must give exactly out.size() bytes.
bool Inflate(std::string_view packed, std::string& out) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

}  // namespace

Result<std::string> ReadZipEntry(std::span<const std::byte> data, std::string_view name,
                                 uint32_t bytes_max) {
  GODWIT_ASSIGN_OR_RETURN(const Entry entry, FindEntry(data, name));
  if ((entry.flags & kEncryptedFlag) != 0) return Damaged("a file is encrypted");
  if (entry.bytes > bytes_max) {
    return Status(StatusCode::kOutOfRange, "the attached file '" + std::string(name) + "' has " +
                                               std::to_string(entry.bytes) +
                                               " bytes; the limit is " + std::to_string(bytes_max));
  }
  if (!Contains(data, entry.header_offset, kLocalHeaderBytes) ||
      Load<uint32_t>(data, entry.header_offset) != kLocalSignature) {
    return Damaged("a file's header is missing");
  }
  const uint64_t start = entry.header_offset + kLocalHeaderBytes +
                         Load<uint16_t>(data, entry.header_offset + 26) +
                         Load<uint16_t>(data, entry.header_offset + 28);
  if (!Contains(data, start, entry.packed_bytes)) return Damaged("a file is cut off");
  const std::string_view packed = Text(data, start, entry.packed_bytes);
  std::string bytes;
  if (entry.method == kStored) {
    if (packed.size() != entry.bytes) return Damaged("a file's two sizes differ");
    bytes = packed;
  } else if (entry.method == kDeflated) {
    bytes.resize(entry.bytes);
    if (!Inflate(packed, bytes)) return Damaged("a file does not unpack");
  } else {
    return Damaged("a file is packed by method " + std::to_string(entry.method));
  }
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != entry.crc) return Damaged("a file's checksum is wrong");
  return bytes;
}

}  // namespace godwit::tflite
