#include "cli/version_file.h"

#include <algorithm>
#include <utility>

#include "cli/progress.h"
#include "cli/text_format.h"
#include "http/range.h"
#include "protocol/error_body.h"

namespace godwit::cli {
namespace {

constexpr int kFailuresMax = 4;
constexpr uint64_t kFileBytesMax = uint64_t{64} << 30;

// Writes a response's bytes behind those that the file has.
class FileSink final : public HttpSink {
 public:
  FileSink(File& file, uint64_t total_bytes, ProgressBar& bar)
      : file_(file), total_bytes_(total_bytes), bar_(bar) {}

  uint64_t offset() const { return offset_; }

  Status OnResponse(const HttpResponse& response) override {
    accepted_ = response.status == 200 || response.status == 206;
    if (response.status == 200) Restart();
    if (response.status == 206) {
      const auto header = FindHeader(response.headers, "Content-Range");
      const auto range = header ? ParseContentRange(*header) : std::nullopt;
      if (!range || range->first != offset_) {
        return Status(StatusCode::kDataLoss, "the server sent another range than was asked for");
      }
    }
    return Status::Ok();
  }

  Status OnData(std::span<const std::byte> data) override {
    if (!accepted_) return Status::Ok();  // An error's body.
    if (data.size() > total_bytes_ - offset_) {
      return Status(StatusCode::kDataLoss, "the server sent more bytes than the version has");
    }
    GODWIT_RETURN_IF_ERROR(file_.WriteAt(offset_, data));
    hasher_.Update(data);
    offset_ += data.size();
    bar_.Update(offset_, total_bytes_);
    return Status::Ok();
  }

  // The digest of all that arrived.
  Digest Finish() { return hasher_.Finish(); }

 private:
  void Restart() {
    hasher_ = Hasher();
    offset_ = 0;
  }

  File& file_;
  uint64_t total_bytes_;
  ProgressBar& bar_;
  Hasher hasher_;
  uint64_t offset_ = 0;
  bool accepted_ = false;
};

// One request for what is missing.
Status FetchRest(HttpClient& http, const std::string& url, FileSink& sink) {
  HttpRequest request;
  request.url = url;
  if (sink.offset() > 0) {
    request.headers.push_back({"Range", "bytes=" + std::to_string(sink.offset()) + "-"});
  }
  GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, http.Send(request, &sink, nullptr));
  if (response.status == 200 || response.status == 206) return Status::Ok();
  return StatusFromErrorBody(response.status, response.body);
}

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
  GODWIT_ASSIGN_OR_RETURN(const auto file, context.fs.Open(path, OpenMode::kCreateNew));
  ProgressBar bar(context.console, context.clock, title);
  FileSink sink(*file, wanted.size_bytes, bar);
  for (int failures = 0; sink.offset() < wanted.size_bytes || wanted.size_bytes == 0;) {
    const uint64_t before = sink.offset();
    const Status status = FetchRest(context.http, wanted.url, sink);
    if (status.ok() && sink.offset() == wanted.size_bytes) break;
    const bool transient = status.ok() || status.code() == StatusCode::kUnavailable ||
                           status.code() == StatusCode::kDeadlineExceeded;
    failures = sink.offset() > before ? 1 : failures + 1;
    if (!transient) return status;
    if (failures > kFailuresMax) {
      return Status(StatusCode::kUnavailable,
                    "the download stopped at " + FormatBytes(sink.offset()) + " of " +
                        FormatBytes(wanted.size_bytes) + " (" + status.message() +
                        "), so no file was written; try again");
    }
    context.clock.SleepMs(int64_t{250} << failures);
  }
  if (sink.Finish() != wanted.digest) {
    return Status(StatusCode::kModelHashMismatch,
                  "what arrived is not the version's file (another SHA-256), so no file was "
                  "written; try again, and if it stays so look at the server's disk");
  }
  return file->Sync();
}

}  // namespace godwit::cli
