#include "device/blob_sink.h"

#include "http/range.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr size_t kErrorBodyMax = 16 << 10;  // Kept of it;
constexpr size_t kErrorBytesMax = 1 << 20;  // read of it.
constexpr size_t kSha256HexLength = 64;

Status Mismatch(const std::string& cause) {
  return Status(StatusCode::kModelHashMismatch,
                cause +
                    ", so the download was stopped; check what lies between this device and "
                    "the server");
}

}  // namespace

Status BlobSink::CheckLength(const HttpResponse& response, uint64_t expected) const {
  const auto length = FindHeader(response.headers, "Content-Length");
  if (!length || *length == std::to_string(expected)) return Status::Ok();
  return Mismatch("the file server announces " + std::string(length->substr(0, 20)) +
                  " bytes where " + std::to_string(expected) + " were to come");
}

Status BlobSink::CheckPart(const HttpResponse& response) const {
  const auto header = FindHeader(response.headers, "Content-Range");
  const auto range = ParseContentRange(header.value_or(""));
  const uint64_t first = partial_.size_bytes();
  if (!range || range->first != first || range->last != expected_size_bytes_ - 1 ||
      range->total_bytes.value_or(expected_size_bytes_) != expected_size_bytes_) {
    return Mismatch("the file server sends another part than the one from byte " +
                    std::to_string(first));
  }
  return CheckLength(response, expected_size_bytes_ - first);
}

Status BlobSink::OnResponse(const HttpResponse& response) {
  is_file_ = response.status == 200 || response.status == 206;
  if (!is_file_) return Status::Ok();
  const std::string_view type = FindHeader(response.headers, "Content-Type").value_or("");
  if (type.starts_with("text/html")) {
    return Status(StatusCode::kUnavailable,
                  "a web page comes where a model's file was to come; if this network has a login "
                  "page, log in, then try again");
  }
  const std::string_view coding =
      FindHeader(response.headers, "Content-Encoding").value_or("identity");
  if (coding != "identity") {
    return Mismatch("the file server sends the file in the coding '" +
                    std::string(coding.substr(0, 20)) + "', for which nobody asked");
  }
  // The server names a file by its hash. A foreign file host has tags of its own, which say
  // nothing; the hash of the bytes decides.
  const std::string_view etag =
      UnquoteEtag(FindHeader(response.headers, "ETag").value_or(std::string_view()));
  if (etag.size() == kSha256HexLength && etag != expected_hash_) {
    return Mismatch("the file server has another file");
  }
  if (response.status == 206) return CheckPart(response);
  GODWIT_RETURN_IF_ERROR(CheckLength(response, expected_size_bytes_));
  if (partial_.size_bytes() > 0) GODWIT_RETURN_IF_ERROR(partial_.Restart());
  bytes_done_ = 0;
  return Status::Ok();
}

Status BlobSink::OnData(std::span<const std::byte> data) {
  if (!is_file_) {
    if (data.size() > kErrorBytesMax - error_bytes_) {
      return Status(StatusCode::kUnavailable, "the file server's error does not end; try again");
    }
    error_bytes_ += data.size();
    const size_t room = kErrorBodyMax - error_body_.size();
    const size_t count = std::min(room, data.size());
    error_body_.append(reinterpret_cast<const char*>(data.data()), count);
    return Status::Ok();
  }
  bytes_received_ += data.size();
  if (allowance_ != nullptr) GODWIT_RETURN_IF_ERROR(allowance_->Spend(data.size()));
  GODWIT_RETURN_IF_ERROR(partial_.Append(data));
  bytes_done_ = partial_.size_bytes();
  return Status::Ok();
}

}  // namespace godwit
