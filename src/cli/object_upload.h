// UploadObject: bytes to the server's storage, by Cloud Storage's resumable protocol.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/clock.h"
#include "cli/admin_client.h"

namespace godwit::cli {

struct ObjectUpload {
  std::string bucket;
  std::string object;
  std::span<const std::byte> bytes;
  // Called as bytes leave and once the server holds them; may go back after a broken
  // connection. May be empty.
  std::function<void(uint64_t done_bytes)> on_progress;
  uint64_t chunk_bytes = 16 << 20;
};

// Blocks until the server holds the object and its CRC-32C is the bytes' own. A broken
// connection or a busy server is waited out and the upload goes on where the server says; it
// is given up when several tries in a row moved nothing.
Status UploadObject(AdminClient& client, Clock& clock, const ObjectUpload& upload);

}  // namespace godwit::cli
