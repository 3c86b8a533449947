// BlobStore: bytes by their SHA-256, in files. Knows neither models nor buckets.
//
//   DIR/blobs/ab/cd/<64 hex>       one immutable file a blob
//   DIR/uploads/<upload id>        bytes on their way in
//   DIR/uploads/<upload id>.synced how many of them are surely there
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "digest/digest.h"
#include "fs/file_system.h"

namespace godwit::server {

struct BlobDescriptor {
  Digest digest;
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
  friend bool operator==(const BlobDescriptor&, const BlobDescriptor&) = default;
};

struct BlobStoreOptions {
  uint64_t blob_max_bytes = 2ull << 30;
  uint64_t free_disk_reserve_bytes = 256 << 20;  // Uploads stop before the disk is this full.
};

// Bytes on their way in. Verbs: Reserve, Append, Sync, Seal, Commit, Cancel. Not thread-safe.
// Destroyed without Commit or Cancel it syncs and stays on disk, and ResumeUpload finds it again,
// up to the last sync: of bytes that were never synced nobody knows after a power loss what they
// are. Append syncs by itself now and then.
class BlobUpload {
 public:
  virtual ~BlobUpload() = default;
  virtual const std::string& id() const = 0;
  virtual uint64_t size_bytes() const = 0;

  // Promises room for the next more_bytes, in place of what was promised before, until they are
  // appended or the upload ends. kNotEnoughSpace when what others were promised leaves too little.
  virtual Status Reserve(uint64_t more_bytes) = 0;

  // kResourceExhausted past blob_max_bytes, kNotEnoughSpace when the disk is (nearly) full.
  virtual Status Append(std::span<const std::byte> data) = 0;

  // What was appended so far survives power loss.
  virtual Status Sync() = 0;

  // Syncs, and says what Commit is going to make; nothing may be appended any more. Sealed bytes
  // outlive a Commit that fails, and ResumeUpload finds them unless they became a blob.
  virtual Result<BlobDescriptor> Seal() = 0;

  // Makes the bytes a blob, durably: sync, rename, sync of the folder. Ok, and the same
  // descriptor, when the blob exists already.
  virtual Result<BlobDescriptor> Commit() = 0;

  // Removes the bytes. May be called twice, and after Commit (then it does nothing).
  virtual Status Cancel() = 0;
};

// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::unique_ptr<BlobUpload>> StartUpload() = 0;
  // Hashes what is there, once. kNotFound when there is no such upload, kUnavailable when it is
  // open already: two writers would make a blob that is neither's.
  virtual Result<std::unique_ptr<BlobUpload>> ResumeUpload(const std::string& id) = 0;
  virtual Status RemoveUpload(const std::string& id) = 0;
  // kNotFound when absent. The file may be read by any number of threads with ReadAt.
  virtual Result<std::shared_ptr<File>> Open(const Digest& digest) = 0;
  virtual Result<uint64_t> SizeOf(const Digest& digest) = 0;
  virtual Status Remove(const Digest& digest) = 0;
  // All blobs, for garbage collection. Reads every folder.
  virtual Result<std::vector<Digest>> List() = 0;
  // Ids of uploads whose last write is older than the given wall time and that are not open.
  virtual Result<std::vector<std::string>> ListUploadsBefore(int64_t modified_before_ms) = 0;
};

// Starts an upload and reserves room for size_bytes; when there is none, nothing stays on disk.
Result<std::unique_ptr<BlobUpload>> StartUploadOf(BlobStore& store, uint64_t size_bytes);

// Creates the folders below `directory` when absent.
Result<std::unique_ptr<BlobStore>> OpenBlobStore(FileSystem& fs, const std::string& directory,
                                                 const BlobStoreOptions& options);

}  // namespace godwit::server
