#include "device/store_format.h"

#include <cassert>
#include <charconv>
#include <span>

namespace godwit {
namespace {

constexpr std::string_view kMarkerStart = "godwit store ";
constexpr std::string_view kRecordMagic = "GWMR";
constexpr std::string_view kTrialMagic = "GWTR";
constexpr std::string_view kInstallationMagic = "GWIN";
constexpr size_t kFrameHeadBytes = 16;

// The fields of a model's record. A number is never used again for something else.
enum class Field : uint16_t {
  kName = 1,
  kDigest = 2,
  kSizeBytes = 3,
  kDownloadedAtMs = 4,
  kVersion = 5,
  kPreviousDigest = 6,
  kPreviousSizeBytes = 7,
  kPreviousVersion = 8,
  kSeed = 9,
};
// Those of a trial.
enum class TrialField : uint16_t { kRefusal = 1, kGoldenHash = 2, kCrashes = 3, kLoading = 4 };
// Fields from here on must be understood by who reads the record; lower ones may be skipped.
constexpr uint16_t kFirstFieldNotToSkip = 0x8000;

void PutInteger(uint64_t value, size_t width, std::string& out) {
  for (size_t i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// REQUIRES: bytes.size() <= 8.
uint64_t GetInteger(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return value;
}

template <typename Field>
void PutField(Field field, std::string_view value, std::string& out) {
  PutInteger(static_cast<uint16_t>(field), 2, out);
  PutInteger(value.size(), 4, out);
  out.append(value);
}

template <typename Field>
void PutIntegerField(Field field, uint64_t value, std::string& out) {
  std::string bytes;
  PutInteger(value, 8, bytes);
  PutField(field, bytes, out);
}

void PutDigestField(Field field, const Digest& digest, std::string& out) {
  PutField(field, std::string(digest.bytes.begin(), digest.bytes.end()), out);
}

// Of the head without the checksum, and of the payload.
uint32_t Checksum(std::string_view head, std::string_view payload) {
  return Crc32c(Crc32c(0, std::as_bytes(std::span(head))), std::as_bytes(std::span(payload)));
}

std::string Frame(std::string_view magic, std::string_view payload) {
  assert(payload.size() <= kStorePayloadMaxBytes);
  std::string out(magic);
  PutInteger(kStoreFormatVersion, 4, out);
  PutInteger(payload.size(), 4, out);
  PutInteger(Checksum(out, payload), 4, out);
  return out.append(payload);
}

Status Damaged(const char* what) { return Status(StatusCode::kDataLoss, what); }

Result<std::string_view> Unframe(std::string_view magic, std::string_view bytes) {
  if (bytes.size() < kFrameHeadBytes) return Damaged("the file is too short");
  if (bytes.substr(0, 4) != magic) return Damaged("the file does not begin as it should");
  if (GetInteger(bytes.substr(4, 4)) != kStoreFormatVersion) {
    return Damaged("the file has a format that this version does not know");
  }
  const std::string_view payload = bytes.substr(kFrameHeadBytes);
  if (GetInteger(bytes.substr(8, 4)) != payload.size()) return Damaged("the length is wrong");
  if (GetInteger(bytes.substr(12, 4)) != Checksum(bytes.substr(0, 12), payload)) {
    return Damaged("the checksum does not match");
  }
  return payload;
}

// Takes one field off the front of payload.
struct FieldValue {
  uint16_t field = 0;
  std::string_view value;
};

Result<FieldValue> TakeField(std::string_view& payload) {
  if (payload.size() < 6) return Damaged("a field is cut short");
  const uint16_t field = static_cast<uint16_t>(GetInteger(payload.substr(0, 2)));
  const uint64_t size_bytes = GetInteger(payload.substr(2, 4));
  payload.remove_prefix(6);
  if (size_bytes > payload.size()) return Damaged("a field is longer than the record");
  const std::string_view value = payload.substr(0, static_cast<size_t>(size_bytes));
  payload.remove_prefix(value.size());
  return FieldValue{field, value};
}

Status SetInteger(std::string_view value, uint64_t& out) {
  if (value.size() != 8) return Damaged("a number has not 8 bytes");
  out = GetInteger(value);
  return Status::Ok();
}

Status SetDigest(std::string_view value, Digest& out) {
  if (value.size() != out.bytes.size()) return Damaged("the digest is short");
  for (size_t i = 0; i < value.size(); ++i) out.bytes[i] = static_cast<uint8_t>(value[i]);
  return Status::Ok();
}

// REQUIRES: field is one of PreviousVersion's.
Status SetPrevious(const FieldValue& taken, std::optional<PreviousVersion>& previous) {
  if (!previous) previous.emplace();
  if (Field{taken.field} == Field::kPreviousDigest) {
    return SetDigest(taken.value, previous->digest);
  }
  uint64_t number = 0;
  GODWIT_RETURN_IF_ERROR(SetInteger(taken.value, number));
  if (Field{taken.field} == Field::kPreviousSizeBytes) {
    previous->size_bytes = number;
  } else {
    previous->version = number;
  }
  return Status::Ok();
}

Status SetField(const FieldValue& taken, ModelRecord& record) {
  uint64_t number = 0;
  switch (Field{taken.field}) {
    case Field::kName:
      if (!CheckModelName(taken.value).ok()) return Damaged("no model can have this name");
      record.name = taken.value;
      return Status::Ok();
    case Field::kDigest:
      return SetDigest(taken.value, record.digest);
    case Field::kSizeBytes:
      return SetInteger(taken.value, record.size_bytes);
    case Field::kDownloadedAtMs:
      GODWIT_RETURN_IF_ERROR(SetInteger(taken.value, number));
      record.downloaded_at_ms = static_cast<int64_t>(number);
      return Status::Ok();
    case Field::kVersion:
      GODWIT_RETURN_IF_ERROR(SetInteger(taken.value, number));
      record.version = number;
      return Status::Ok();
    case Field::kPreviousDigest:
    case Field::kPreviousSizeBytes:
    case Field::kPreviousVersion:
      return SetPrevious(taken, record.previous);
    case Field::kSeed:
      return SetDigest(taken.value, record.seed.emplace());
  }
  if (taken.field >= kFirstFieldNotToSkip) return Damaged("a newer version wrote this record");
  return Status::Ok();
}

}  // namespace

std::string StoreFolderName(const StoreOwner& owner) {
  // A zero byte separates, for none of the three can hold one.
  std::string key = owner.server_url;
  key.append(1, '\0').append(owner.project).append(1, '\0').append(owner.app_id);
  return DigestOf(std::string_view(key)).ToHex().substr(0, 32);
}

std::string EncodeStoreMarker(const StoreOwner& owner) {
  std::string text(kMarkerStart);
  text += std::to_string(kStoreFormatVersion) + "\n";
  text += "server " + owner.server_url + "\n";
  text += "project " + owner.project + "\n";
  text += "app " + owner.app_id + "\n";
  return text;
}

Result<uint32_t> ParseStoreMarker(std::string_view text) {
  if (!text.starts_with(kMarkerStart)) return Damaged("the marker does not begin as it should");
  text.remove_prefix(kMarkerStart.size());
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  const bool line_ends = end != text.data() + text.size() && *end == '\n';
  if (error != std::errc() || !line_ends || version == 0) {
    return Damaged("the marker names no version");
  }
  return version;
}

std::string EncodeModelRecord(const ModelRecord& record) {
  std::string payload;
  PutField(Field::kName, record.name, payload);
  PutDigestField(Field::kDigest, record.digest, payload);
  PutIntegerField(Field::kSizeBytes, record.size_bytes, payload);
  PutIntegerField(Field::kDownloadedAtMs, static_cast<uint64_t>(record.downloaded_at_ms), payload);
  if (record.version.has_value()) PutIntegerField(Field::kVersion, *record.version, payload);
  if (record.previous.has_value()) {
    PutDigestField(Field::kPreviousDigest, record.previous->digest, payload);
    PutIntegerField(Field::kPreviousSizeBytes, record.previous->size_bytes, payload);
    if (record.previous->version.has_value()) {
      PutIntegerField(Field::kPreviousVersion, *record.previous->version, payload);
    }
  }
  if (record.seed.has_value()) PutDigestField(Field::kSeed, *record.seed, payload);
  return Frame(kRecordMagic, payload);
}

Result<ModelRecord> ParseModelRecord(std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(std::string_view payload, Unframe(kRecordMagic, bytes));
  ModelRecord record;
  bool has_digest = false;
  bool has_size = false;
  bool has_previous_digest = false;
  bool has_previous_size = false;
  while (!payload.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const FieldValue taken, TakeField(payload));
    GODWIT_RETURN_IF_ERROR(SetField(taken, record));
    has_digest |= Field{taken.field} == Field::kDigest;
    has_size |= Field{taken.field} == Field::kSizeBytes;
    has_previous_digest |= Field{taken.field} == Field::kPreviousDigest;
    has_previous_size |= Field{taken.field} == Field::kPreviousSizeBytes;
  }
  if (record.name.empty() || !has_digest || !has_size) return Damaged("a field is missing");
  if (record.previous && !(has_previous_digest && has_previous_size)) {
    return Damaged("a field is missing");
  }
  return record;
}

std::string EncodeTrial(const Trial& trial) {
  assert(trial.refusal.size() <= kTrialTextMaxBytes);
  std::string payload;
  PutField(TrialField::kRefusal, trial.refusal, payload);
  PutField(TrialField::kGoldenHash, trial.golden_hash, payload);
  PutIntegerField(TrialField::kCrashes, trial.crashes, payload);
  PutIntegerField(TrialField::kLoading, trial.loading ? 1 : 0, payload);
  return Frame(kTrialMagic, payload);
}

Result<Trial> ParseTrial(std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(std::string_view payload, Unframe(kTrialMagic, bytes));
  Trial trial;
  while (!payload.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const FieldValue taken, TakeField(payload));
    const auto field = TrialField{taken.field};
    if (field == TrialField::kRefusal || field == TrialField::kGoldenHash) {
      if (taken.value.size() > kTrialTextMaxBytes) return Damaged("a text is too long");
      (field == TrialField::kRefusal ? trial.refusal : trial.golden_hash) = taken.value;
    } else if (field == TrialField::kCrashes || field == TrialField::kLoading) {
      uint64_t number = 0;
      GODWIT_RETURN_IF_ERROR(SetInteger(taken.value, number));
      if (number > UINT32_MAX) return Damaged("a count is too large");
      if (field == TrialField::kCrashes) trial.crashes = static_cast<uint32_t>(number);
      if (field == TrialField::kLoading) trial.loading = number != 0;
    } else if (taken.field >= kFirstFieldNotToSkip) {
      return Damaged("a newer version wrote this trial");
    }
  }
  return trial;
}

std::string EncodeInstallation(std::string_view payload) {
  return Frame(kInstallationMagic, payload);
}

Result<std::string> ParseInstallation(std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(const std::string_view payload, Unframe(kInstallationMagic, bytes));
  return std::string(payload);
}

std::string EncodeFrame(std::string_view magic, std::string_view payload) {
  return Frame(magic, payload);
}

Result<std::string> ParseFrame(std::string_view magic, std::string_view bytes) {
  GODWIT_ASSIGN_OR_RETURN(const std::string_view payload, Unframe(magic, bytes));
  return std::string(payload);
}

Status CheckModelName(std::string_view name) {
  if (!name.empty() && name.size() <= kModelNameMaxBytes &&
      name.find('\0') == std::string_view::npos) {
    return Status::Ok();
  }
  return Status(StatusCode::kInvalidArgument, "a model's name has 1 to " +
                                                  std::to_string(kModelNameMaxBytes) +
                                                  " bytes, none of them zero");
}

}  // namespace godwit
