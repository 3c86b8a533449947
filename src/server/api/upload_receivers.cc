#include "server/api/upload_receivers.h"

#include <algorithm>

#include "server/api/storage_messages.h"

namespace godwit::server {
namespace {

Response Answer(const ObjectReply& reply, const Result<Object>& object) {
  return object.ok() ? reply.object(*object) : reply.error(object.status());
}

class MediaReceiver final : public BodyReceiver {
 public:
  MediaReceiver(ObjectStore& objects, ObjectWrite write, std::unique_ptr<BlobUpload> upload,
                ObjectReply reply)
      : objects_(objects),
        write_(std::move(write)),
        upload_(std::move(upload)),
        reply_(std::move(reply)) {}
  ~MediaReceiver() override { (void)upload_->Cancel(); }

  std::optional<Response> Append(std::span<const std::byte> data) override {
    const Status appended = upload_->Append(data);
    if (appended.ok()) return std::nullopt;
    return reply_.error(appended);
  }

  Response Finish() override {
    const auto object = objects_.Finish(write_, *upload_);
    return Answer(reply_, object);
  }

 private:
  ObjectStore& objects_;
  const ObjectWrite write_;
  const std::unique_ptr<BlobUpload> upload_;
  const ObjectReply reply_;
};

class MultipartReceiver final : public BodyReceiver, private MultipartReader::Receiver {
 public:
  MultipartReceiver(ObjectStore& objects, ObjectWrite write, std::unique_ptr<BlobUpload> upload,
                    std::string_view boundary, ObjectReply reply)
      : objects_(objects),
        write_(std::move(write)),
        upload_(std::move(upload)),
        reply_(std::move(reply)),
        reader_(boundary, *this) {}
  ~MultipartReceiver() override { (void)upload_->Cancel(); }

  std::optional<Response> Append(std::span<const std::byte> data) override {
    const Status appended = reader_.Append(data);
    if (appended.ok()) return std::nullopt;
    return reply_.error(appended);
  }

  Response Finish() override {
    const Status complete = reader_.Finish();
    if (!complete.ok()) return reply_.error(complete);
    const auto object = objects_.Finish(write_, *upload_);
    return Answer(reply_, object);
  }

 private:
  Status OnMetadata(std::string_view metadata, std::string_view content_type) override {
    write_.content_type = content_type;
    GODWIT_ASSIGN_OR_RETURN(const Json resource, ParseResource(metadata));
    GODWIT_RETURN_IF_ERROR(ReadObjectMetadata(resource, &write_));
    // Who declares no hash may still check the answer's: Google's client for Node wants MD5 so.
    write_.wants_md5 = write_.hashes.crc32c.empty();
    return CheckObjectName(write_.bucket, write_.name);
  }
  Status OnContent(std::span<const std::byte> data) override { return upload_->Append(data); }

  ObjectStore& objects_;
  ObjectWrite write_;
  const std::unique_ptr<BlobUpload> upload_;
  const ObjectReply reply_;
  MultipartReader reader_;
};

class SessionReceiver final : public BodyReceiver {
 public:
  SessionReceiver(std::unique_ptr<SessionLease> lease, std::optional<ContentRange> range,
                  DeclaredHashes hashes, ObjectReply reply)
      : lease_(std::move(lease)),
        range_(range),
        hashes_(std::move(hashes)),
        reply_(std::move(reply)),
        offset_(range && range->first ? *range->first : 0) {}

  std::optional<Response> Append(std::span<const std::byte> data) override {
    BlobUpload* upload = lease_->upload();
    if (upload == nullptr) return AnswerFinished();
    const uint64_t stored = upload->size_bytes();
    if (range_ && !range_->first) {
      return Refuse("a body came with a Content-Range that names no bytes");
    }
    if (offset_ > stored) {
      // Clients take 503 for a reason to ask what is stored.
      return reply_.error(Status(
          StatusCode::kUnavailable,
          "According to the Content-Range header, the upload offset is " + std::to_string(offset_) +
              " byte(s), which exceeds already uploaded size of " + std::to_string(stored) +
              " byte(s); ask with 'bytes */*' and go on from there"));
    }
    // Bytes that an interrupted request stored already are sent again by some clients.
    const size_t known = static_cast<size_t>(std::min<uint64_t>(stored - offset_, data.size()));
    offset_ += data.size();
    if (PastEnd()) return Refuse("more bytes came than were announced");
    const Status appended = upload->Append(data.subspan(known));
    if (appended.ok()) return std::nullopt;
    // Clients give up on a full disk; for a week these bytes would keep it full.
    if (appended.code() == StatusCode::kNotEnoughSpace) (void)lease_->Drop();
    return reply_.error(appended);
  }

  Response Finish() override {
    BlobUpload* upload = lease_->upload();
    if (upload == nullptr) return AnswerFinished();
    if (range_ && range_->last && offset_ != *range_->last + 1) {
      return Refuse("fewer bytes came than the Content-Range announced");
    }
    if (!IsLast(upload->size_bytes())) return Resume(*upload);
    if (declared() && *declared() != upload->size_bytes()) {
      return Refuse("the object has another size than X-Upload-Content-Length announced");
    }
    const auto object = lease_->Finish(hashes_);
    return Answer(reply_, object);
  }

 private:
  const std::optional<uint64_t>& declared() const { return lease_->session().declared_size_bytes; }

  bool PastEnd() const {
    return (declared() && offset_ > *declared()) ||
           (range_ && range_->last && offset_ > *range_->last + 1) ||
           (range_ && range_->total_bytes && offset_ > *range_->total_bytes);
  }

  // Whether the object is complete with this request.
  bool IsLast(uint64_t stored) const {
    if (!range_) return true;                                        // The body is everything.
    if (range_->total_bytes) return stored == *range_->total_bytes;  // "a-b/total", "*/total"
    if (range_->first) return !range_->last;                         // "a-*/*": ends with the body
    // "*/*" asks; the answer to the last byte may have been lost.
    return stored > 0 && declared() && stored == *declared();
  }

  Response Resume(BlobUpload& upload) const {
    // What is acknowledged must survive a power loss, or the client would leave a hole.
    const Status synced = upload.Sync();
    return synced.ok() ? ResumeResponse(upload.size_bytes()) : reply_.error(synced);
  }

  Response AnswerFinished() {
    const auto object = lease_->Finished();
    return Answer(reply_, object);
  }

  Response Refuse(std::string message) const {
    return reply_.error(Status(StatusCode::kInvalidArgument, std::move(message)));
  }

  const std::unique_ptr<SessionLease> lease_;
  const std::optional<ContentRange> range_;
  const DeclaredHashes hashes_;
  const ObjectReply reply_;
  uint64_t offset_;  // Of the next byte of the body, in the object.
};

class RefusingReceiver final : public BodyReceiver {
 public:
  explicit RefusingReceiver(Response response) : response_(std::move(response)) {}
  std::optional<Response> Append(std::span<const std::byte>) override { return response_; }
  Response Finish() override { return response_; }

 private:
  const Response response_;
};

}  // namespace

std::unique_ptr<BodyReceiver> NewMediaReceiver(ObjectStore& objects, ObjectWrite write,
                                               std::unique_ptr<BlobUpload> upload,
                                               ObjectReply reply) {
  return std::make_unique<MediaReceiver>(objects, std::move(write), std::move(upload),
                                         std::move(reply));
}

std::unique_ptr<BodyReceiver> NewMultipartReceiver(ObjectStore& objects, ObjectWrite write,
                                                   std::unique_ptr<BlobUpload> upload,
                                                   std::string_view boundary, ObjectReply reply) {
  return std::make_unique<MultipartReceiver>(objects, std::move(write), std::move(upload), boundary,
                                             std::move(reply));
}

std::unique_ptr<BodyReceiver> NewSessionReceiver(std::unique_ptr<SessionLease> lease,
                                                 std::optional<ContentRange> range,
                                                 DeclaredHashes hashes, ObjectReply reply) {
  return std::make_unique<SessionReceiver>(std::move(lease), range, std::move(hashes),
                                           std::move(reply));
}

std::unique_ptr<BodyReceiver> NewRefusingReceiver(Response response) {
  return std::make_unique<RefusingReceiver>(std::move(response));
}

Response ResumeResponse(uint64_t stored_bytes) {
  Response response;
  response.status = 308;
  if (stored_bytes > 0) {
    response.headers.emplace_back("Range", "bytes=0-" + std::to_string(stored_bytes - 1));
  }
  return response;
}

}  // namespace godwit::server
