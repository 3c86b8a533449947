// Where blobs and uploads lie below a store's folder.
#pragma once

#include <string>
#include <string_view>

#include "digest/digest.h"
#include "fs/file_system.h"

namespace godwit::server {

struct BlobPaths {
  std::string directory;

  std::string Blobs() const { return JoinPath(directory, "blobs"); }
  std::string Uploads() const { return JoinPath(directory, "uploads"); }

  // Two levels of 256 folders each, for some disks and most people are slow with huge ones.
  std::string OuterFolder(const Digest& digest) const {
    return JoinPath(Blobs(), digest.ToHex().substr(0, 2));
  }
  std::string InnerFolder(const Digest& digest) const {
    return JoinPath(OuterFolder(digest), digest.ToHex().substr(2, 2));
  }
  std::string Blob(const Digest& digest) const {
    return JoinPath(InnerFolder(digest), digest.ToHex());
  }
  std::string Upload(std::string_view id) const { return JoinPath(Uploads(), id); }
};

}  // namespace godwit::server
