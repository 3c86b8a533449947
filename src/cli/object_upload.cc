#include "cli/object_upload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "crypto/crypto.h"
#include "digest/digest.h"
#include "protocol/error_body.h"
#include "protocol/json.h"

namespace godwit::cli {
namespace {

constexpr int kFailuresMax = 4;
constexpr int kSessionsMax = 3;

// Cloud Storage writes a CRC-32C as base64 of its four bytes, the highest first.
std::string Crc32cText(std::span<const std::byte> bytes) {
  const uint32_t crc = Crc32c(0, bytes);
  std::array<std::byte, 4> big_endian{};
  for (size_t i = 0; i < 4; ++i) big_endian[i] = static_cast<std::byte>(crc >> (24 - 8 * i));
  return Base64Encode(big_endian);
}

bool IsTransient(int status) { return status == 408 || status == 429 || status >= 500; }

bool IsTransient(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded ||
         status.code() == StatusCode::kNoNetworkConnection;
}

// How many bytes a 308 says are stored: "bytes=0-99" means 100, no header means none.
uint64_t StoredBytes(const HttpResponse& response) {
  const auto header = FindHeader(response.headers, "Range");
  constexpr std::string_view kPrefix = "bytes=0-";
  if (!header || !header->starts_with(kPrefix)) return 0;
  uint64_t last = 0;
  const char* end = header->data() + header->size();
  const auto parsed = std::from_chars(header->data() + kPrefix.size(), end, last);
  return parsed.ec == std::errc() && parsed.ptr == end && last != UINT64_MAX ? last + 1 : 0;
}

// One upload, over as many requests and sessions as it takes.
class Transfer {
 public:
  Transfer(AdminClient& client, Clock& clock, const ObjectUpload& upload)
      : client_(client), clock_(clock), upload_(upload), crc32c_(Crc32cText(upload.bytes)) {}

  Status Run() {
    while (!complete_) {
      Status status = session_.empty() ? Open() : resync_ ? AskOffset() : SendChunk();
      if (status.ok()) continue;
      if (!IsTransient(status) || ++failures_ > kFailuresMax) {
        return status.WithContext("upload at " + client_.settings().url);
      }
      resync_ = true;
      clock_.SleepMs(int64_t{125} << failures_);
    }
    return Status::Ok();
  }

 private:
  Status Open() {
    if (++sessions_ > kSessionsMax) {
      return Status(StatusCode::kAborted,
                    "the server lost the upload several times, so nothing was stored; look at the "
                    "server's log, then push again");
    }
    HttpRequest request;
    request.method = "POST";
    request.url = client_.settings().url + "/upload/storage/v1/b/" + PercentEncode(upload_.bucket) +
                  "/o?uploadType=resumable&name=" + PercentEncode(upload_.object);
    request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                       {"X-Upload-Content-Type", "application/octet-stream"},
                       {"X-Upload-Content-Length", std::to_string(upload_.bytes.size())}};
    request.body = Json::Object({{"name", Json(upload_.object)}}).Serialize();
    GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, client_.Send(std::move(request)));
    if (response.status != 200 && response.status != 201) return Refused(response);
    const auto location = FindHeader(response.headers, "Location");
    if (!location) {
      return Status(StatusCode::kUnknown,
                    "the server opened an upload without saying where; check that the address is "
                    "a godwit server's");
    }
    session_ = std::string(*location);
    offset_ = 0;
    resync_ = false;
    return Status::Ok();
  }

  Status SendChunk() {
    const uint64_t total = upload_.bytes.size();
    const uint64_t end = std::min<uint64_t>(total, offset_ + upload_.chunk_bytes);
    HttpRequest request;
    request.method = "PUT";
    request.url = session_;
    request.headers = {{"Content-Range", "bytes " + std::to_string(offset_) + "-" +
                                             std::to_string(end - 1) + "/" +
                                             std::to_string(total)}};
    if (end == total) request.headers.push_back({"X-Goog-Hash", "crc32c=" + crc32c_});
    request.body_size_bytes = end - offset_;
    uint64_t sent = offset_;
    request.body_source = [&](std::span<std::byte> out) -> Result<size_t> {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(out.size(), end - sent));
      std::memcpy(out.data(), upload_.bytes.data() + sent, count);
      sent += count;
      if (upload_.on_progress) upload_.on_progress(sent);
      return count;
    };
    return Send(std::move(request));
  }

  Status AskOffset() {
    HttpRequest request;
    request.method = "PUT";
    request.url = session_;
    request.headers = {{"Content-Range", "bytes */" + std::to_string(upload_.bytes.size())}};
    return Send(std::move(request));
  }

  // Sends a request of the session and takes in where it stands.
  Status Send(HttpRequest request) {
    GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, client_.Send(std::move(request)));
    if (response.status == 200 || response.status == 201) return Finish(response);
    if (response.status == 404 || response.status == 410) {
      session_.clear();  // Run opens another.
      return Status::Ok();
    }
    if (response.status == 401) {  // Send fetches a new token with the next request.
      resync_ = true;
      return Status(StatusCode::kUnavailable, "the access token ran out during the upload");
    }
    if (response.status != 308) return Refused(response);
    const uint64_t stored = StoredBytes(response);
    if (stored > upload_.bytes.size()) {
      return Status(StatusCode::kDataLoss,
                    "the server claims to hold more bytes than the file has; push again");
    }
    if (stored > offset_) {
      failures_ = 0;
    } else if (!resync_) {
      return Status(StatusCode::kUnavailable, "the server stored none of the bytes sent");
    }
    offset_ = stored;
    resync_ = false;
    if (upload_.on_progress) upload_.on_progress(offset_);
    return Status::Ok();
  }

  Status Finish(const HttpResponse& response) {
    const auto object = Json::Parse(response.body);
    const std::string stored = object.ok() ? (*object)["crc32c"].AsString() : "";
    if (stored != crc32c_) {
      return Status(StatusCode::kDataLoss,
                    "the bytes changed on their way to the server (CRC-32C " + crc32c_ +
                        ", there " + (stored.empty() ? "none" : stored) +
                        "), so no version was made; push again");
    }
    complete_ = true;
    return Status::Ok();
  }

  static Status Refused(const HttpResponse& response) {
    Status status = StatusFromErrorBody(response.status, response.body);
    // Whatever the body calls it, these may pass.
    if (IsTransient(response.status) && !IsTransient(status)) {
      return Status(StatusCode::kUnavailable, status.message());
    }
    return status;
  }

  AdminClient& client_;
  Clock& clock_;
  const ObjectUpload& upload_;
  const std::string crc32c_;
  std::string session_;  // Empty: none is open.
  uint64_t offset_ = 0;
  bool resync_ = false;  // The offset must be asked for first.
  bool complete_ = false;
  int failures_ = 0;  // In a row, without a byte more.
  int sessions_ = 0;
};

}  // namespace

Status UploadObject(AdminClient& client, Clock& clock, const ObjectUpload& upload) {
  return Transfer(client, clock, upload).Run();
}

}  // namespace godwit::cli
