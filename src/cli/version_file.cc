#include "cli/version_file.h"

#include <algorithm>
#include <utility>

#include "cli/file_download.h"

namespace godwit::cli {
namespace {

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

// Which version the address means.
Result<int64_t> VersionOf(const ModelAddress& address, const Json& model) {
  if (address.version > 0) return address.version;
  if (!address.alias.empty()) {
    return Status(StatusCode::kNotFound,
                  "model '" + address.name + "' has no alias '" + address.alias +
                      "'; see its versions: godwit model versions " + address.name);
  }
  const int64_t published = model["publishedVersion"].AsInt();
  if (published > 0) return published;
  return Status(StatusCode::kNotFound,
                "model '" + address.name +
                    "' is not published, so devices get no version of it; name one, as in " +
                    address.name + "@" +
                    std::to_string(std::max<int64_t>(model["latestVersion"].AsInt(), 1)));
}

}  // namespace

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

}  // namespace godwit::cli
