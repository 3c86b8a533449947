#include "cli/file_download.h"

#include <utility>
#include <vector>

#include "cli/progress.h"
#include "cli/text_format.h"
#include "http/range.h"
#include "protocol/error_body.h"

namespace godwit::cli {
namespace {

constexpr int kFailuresMax = 4;

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
      return Status(StatusCode::kDataLoss, "the server sent more bytes than the file has");
    }
    GODWIT_RETURN_IF_ERROR(file_.WriteAt(offset_, data));
    hasher_.Update(data);
    offset_ += data.size();
    bar_.Update(offset_, total_bytes_);
    return Status::Ok();
  }

  // Takes in what the file holds already.
  Status Begin() {
    GODWIT_ASSIGN_OR_RETURN(const uint64_t size_bytes, file_.Size());
    if (size_bytes > total_bytes_) return file_.Truncate(0);
    std::vector<std::byte> bytes(1 << 20);
    while (offset_ < size_bytes) {
      GODWIT_ASSIGN_OR_RETURN(const size_t count, file_.ReadAt(offset_, bytes));
      if (count == 0) return Status(StatusCode::kIo, "the file ended while it was read; try again");
      hasher_.Update(std::span(bytes).first(count));
      offset_ += count;
    }
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
Status FetchRest(const FileRequest& wanted, FileSink& sink) {
  HttpRequest request;
  request.url = wanted.url;
  if (sink.offset() > 0) {
    request.headers.push_back({"Range", "bytes=" + std::to_string(sink.offset()) + "-"});
  }
  GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, wanted.send(std::move(request), &sink));
  if (response.status == 200 || response.status == 206) return Status::Ok();
  return StatusFromErrorBody(response.status, response.body);
}

}  // namespace

Result<Digest> DownloadFile(Context& context, const FileRequest& request, const std::string& path,
                            const std::string& title) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, context.fs.Open(path, OpenMode::kReadWrite));
  GODWIT_ASSIGN_OR_RETURN(const uint64_t first_byte, file->Size());
  ProgressBar bar(context.console, context.clock, title, first_byte);
  FileSink sink(*file, request.size_bytes, bar);
  GODWIT_RETURN_IF_ERROR(sink.Begin());
  for (int failures = 0; sink.offset() < request.size_bytes;) {
    const uint64_t before = sink.offset();
    const Status status = FetchRest(request, sink);
    if (status.ok() && sink.offset() == request.size_bytes) break;
    const bool transient = status.ok() || status.code() == StatusCode::kUnavailable ||
                           status.code() == StatusCode::kDeadlineExceeded;
    failures = sink.offset() > before ? 1 : failures + 1;
    if (!transient) return status;
    if (failures > kFailuresMax) {
      return Status(StatusCode::kUnavailable,
                    "the download stopped at " + FormatBytes(sink.offset()) + " of " +
                        FormatBytes(request.size_bytes) + " (" + status.message() +
                        "), so the file is not whole; try again");
    }
    context.clock.SleepMs(int64_t{250} << failures);
  }
  GODWIT_RETURN_IF_ERROR(file->Sync());
  return sink.Finish();
}

}  // namespace godwit::cli
