// BlobHandler: a model's bytes behind a signed link.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/api/services.h"
#include "server/api/snapshot_cell.h"

namespace godwit::server {

// Thread-safe. Files stay open after their first use, so that the next request for them is
// answered on the loop.
class BlobHandler {
 public:
  explicit BlobHandler(const ApiServices& services) : services_(services) {}

  // True for GET and HEAD of "/blobs/sha256/…".
  static bool Accepts(const RequestHead& head);

  // On the loop. False when the link is bad or the file is not open yet.
  bool TryFast(const RequestHead& head, FastReply* reply);

  // On a worker. A bad signature is 403, an expired link 400: what Firebase's clients look for
  // before they ask for a new one.
  Response Handle(const RequestHead& head);

  // Closes the files of blobs that a collection has removed, so that the disk gets their space
  // back; a loop lets go with its next request for a blob. Blocks on the disk.
  void ForgetRemoved();

 private:
  static constexpr size_t kOpenFilesMax = 256;

  struct OpenBlob {
    std::shared_ptr<File> file;
    uint64_t size_bytes = 0;
    std::string etag;  // With quotes.
  };

  using OpenBlobs = std::map<Digest, std::shared_ptr<const OpenBlob>>;

  // All that a loop needs, so that it takes no lock. Stale when the access store has moved on:
  // then a worker answers, and makes the next.
  struct View {
    uint64_t access_generation = 0;
    std::shared_ptr<const AccessSnapshot> access;
    OpenBlobs open;
  };

  Result<std::shared_ptr<const OpenBlob>> Open(const Digest& digest);
  void SetView();  // REQUIRES: open_mutex_ is held.

  const ApiServices& services_;
  SnapshotCell<View> view_;
  std::mutex open_mutex_;
  OpenBlobs open_;  // What the newest view has.
};

}  // namespace godwit::server
