// The bytes of the device's store on disk: docs/formats/store.md. Pure; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "digest/digest.h"

namespace godwit {

constexpr uint32_t kStoreFormatVersion = 1;
constexpr uint32_t kStorePayloadMaxBytes = 64 << 10;
constexpr uint32_t kStoreFileMaxBytes = kStorePayloadMaxBytes + 16;  // With the frame's head.
constexpr size_t kModelNameMaxBytes = 512;

// Whose store it is. A folder holds one store for each.
struct StoreOwner {
  std::string server_url;
  std::string project;
  std::string app_id;
};

// The folder's name: 32 hex digits.
std::string StoreFolderName(const StoreOwner& owner);

// The text of the file `format`: its first line says the version, the rest tells a person.
std::string EncodeStoreMarker(const StoreOwner& owner);

// The version in a marker's first line; kDataLoss when there is none.
Result<uint32_t> ParseStoreMarker(std::string_view text);

// The version that a model replaced; its file stays, so that the device can go back to it.
struct PreviousVersion {
  Digest digest;
  uint64_t size_bytes = 0;
  std::optional<uint64_t> version;
  friend bool operator==(const PreviousVersion&, const PreviousVersion&) = default;
};

// What a record says about a model. A value type.
struct ModelRecord {
  std::string name;
  Digest digest;
  uint64_t size_bytes = 0;
  int64_t downloaded_at_ms = 0;
  std::optional<uint64_t> version;
  std::optional<PreviousVersion> previous;
  std::optional<Digest> seed;  // The app's seed at that time: the server chose this instead.
  friend bool operator==(const ModelRecord&, const ModelRecord&) = default;
};

std::string EncodeModelRecord(const ModelRecord& record);

// kDataLoss for anything that EncodeModelRecord of this or a later version did not write, or
// that a later version wrote in a way that this one must not guess at. Never reads past bytes.
Result<ModelRecord> ParseModelRecord(std::string_view bytes);

// The same frame around the installation's opaque bytes.
// REQUIRES: payload.size() <= kStorePayloadMaxBytes.
std::string EncodeInstallation(std::string_view payload);
Result<std::string> ParseInstallation(std::string_view bytes);

// What this device went through with one file, whatever models it belongs to. A value type.
struct Trial {
  std::string refusal;      // Why the activation gate refused it; empty: it did not.
  std::string golden_hash;  // Of the golden inputs that it was refused with, hex; may be empty.
  uint32_t crashes = 0;     // Loads that ended the process, in a row.
  bool loading = false;     // A load has begun and not ended.
  friend bool operator==(const Trial&, const Trial&) = default;
};
constexpr size_t kTrialTextMaxBytes = 1024;

// REQUIRES: no text is longer than kTrialTextMaxBytes.
std::string EncodeTrial(const Trial& trial);
Result<Trial> ParseTrial(std::string_view bytes);

// The same frame around what the client keeps for itself; `magic` (4 characters) tells the kinds
// apart. REQUIRES: payload.size() <= kStorePayloadMaxBytes.
std::string EncodeFrame(std::string_view magic, std::string_view payload);
Result<std::string> ParseFrame(std::string_view magic, std::string_view bytes);

// Ok when a model can have this name: 1 to kModelNameMaxBytes bytes, none of them zero.
Status CheckModelName(std::string_view name);

}  // namespace godwit
