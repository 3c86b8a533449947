#include "cli/version_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/file_download.h"
#include "cli/mapped_file.h"

namespace godwit::cli {
namespace {

constexpr uint64_t kCacheBytesMax = uint64_t{4} << 30;
constexpr const char* kLockName = "lock";
constexpr uint64_t kFileBytesMax = uint64_t{64} << 30;

Result<VersionFile> ReadVersion(const Json& version) {
  VersionFile wanted;
  wanted.url = version["downloadUri"].AsString();
  const int64_t size_bytes = version["sizeBytes"].AsInt(-1);
  const auto digest = Digest::Parse(version["sha256"].AsString());
  if (wanted.url.empty() || size_bytes < 0 || static_cast<uint64_t>(size_bytes) > kFileBytesMax ||
      !digest.ok()) {
    return Status(StatusCode::kUnknown,
                  "the server's answer says neither where the file is nor what it must be; check "
                  "that server and godwit are of one version");
  }
  wanted.size_bytes = static_cast<uint64_t>(size_bytes);
  wanted.digest = *digest;
  return wanted;
}

// Removes the oldest files until the cache may take so many bytes more. Whoever maps one of them
// keeps its bytes.
Status MakeRoom(FileSystem& fs, const std::string& folder, uint64_t wanted_bytes) {
  struct Kept {
    int64_t modified_ms;
    uint64_t size_bytes;
    std::string path;
  };
  std::vector<Kept> files;
  uint64_t total_bytes = wanted_bytes;
  GODWIT_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(folder));
  for (const std::string& name : names) {
    if (name == kLockName) continue;
    std::string path = JoinPath(folder, name);
    GODWIT_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
    total_bytes += info.size_bytes;
    files.push_back({info.modified_ms(), info.size_bytes, std::move(path)});
  }
  std::sort(files.begin(), files.end(),
            [](const Kept& a, const Kept& b) { return a.modified_ms < b.modified_ms; });
  for (const Kept& file : files) {
    if (total_bytes <= kCacheBytesMax) break;
    GODWIT_RETURN_IF_ERROR(fs.Remove(file.path));
    total_bytes -= file.size_bytes;
  }
  return Status::Ok();
}

}  // namespace

Result<int64_t> VersionOf(const ModelAddress& address, const Json& model) {
  if (address.version > 0) return address.version;
  if (!address.alias.empty()) {
    const int64_t version = model["aliases"][address.alias].AsInt();
    if (version > 0) return version;
    return Status(StatusCode::kNotFound,
                  "model '" + address.name + "' has no alias '" + address.alias +
                      "'; see which it has: godwit model alias list " + address.name);
  }
  const int64_t published = model["publishedVersion"].AsInt();
  if (published > 0) return published;
  return Status(StatusCode::kNotFound,
                "model '" + address.name +
                    "' is not published, so devices get no version of it; name one, as in " +
                    address.name + "@" +
                    std::to_string(std::max<int64_t>(model["latestVersion"].AsInt(), 1)));
}

Result<VersionFile> FindVersionFile(AdminClient& client, const ModelAddress& address) {
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(address.name));
  GODWIT_ASSIGN_OR_RETURN(const int64_t number, VersionOf(address, model));
  GODWIT_ASSIGN_OR_RETURN(const Json version, client.GetVersion(ModelId(model), number));
  GODWIT_ASSIGN_OR_RETURN(VersionFile file, ReadVersion(version));
  file.address = address.name + "@" + std::to_string(number);
  return file;
}

Status DownloadVersion(Context& context, const VersionFile& wanted, const std::string& path,
                       const std::string& title) {
  GODWIT_RETURN_IF_ERROR(context.fs.Remove(path));  // Of a pull that was killed.
  FileRequest request;
  request.url = wanted.url;
  request.size_bytes = wanted.size_bytes;
  request.send = [&](HttpRequest rest, HttpSink* sink) {
    return context.http.Send(rest, sink, nullptr);
  };
  GODWIT_ASSIGN_OR_RETURN(const Digest digest, DownloadFile(context, request, path, title));
  if (digest == wanted.digest) return Status::Ok();
  return Status(StatusCode::kModelHashMismatch,
                "what arrived is not the version's file (another SHA-256), so no file was "
                "written; try again, and if it stays so look at the server's disk");
}

Result<std::string> CachedVersion(Context& context, const VersionFile& wanted) {
  FileSystem& fs = context.fs;
  const std::string folder = JoinPath(context.settings.cache_folder(), "versions");
  const std::string path = JoinPath(folder, wanted.digest.ToHex() + ".tflite");
  GODWIT_RETURN_IF_ERROR(fs.CreateDirectories(folder));
  // Two commands that want the same file download it once.
  GODWIT_ASSIGN_OR_RETURN(const auto lock,
                          fs.Lock(JoinPath(folder, kLockName), LockMode::kExclusive));
  const auto kept = MappedFile::Open(path);
  if (kept.ok() && DigestOf(kept->bytes()) == wanted.digest) return path;
  GODWIT_RETURN_IF_ERROR(MakeRoom(fs, folder, wanted.size_bytes));
  const std::string partial = path + ".part";
  Status status = DownloadVersion(context, wanted, partial, "get " + wanted.address);
  if (status.ok()) status = fs.Rename(partial, path);
  if (status.ok()) return path;
  (void)fs.Remove(partial);  // The first error counts; the next download replaces the file.
  return status;
}

}  // namespace godwit::cli
