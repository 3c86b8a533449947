#include "server/api/upload_handler.h"

#include <algorithm>

#include "server/api/replies.h"
#include "server/api/storage_messages.h"

namespace godwit::server {
namespace {

constexpr size_t kTokenMax = 64;                    // Clients send a UUID.
constexpr uint64_t kMultipartExtraBytes = 1 << 20;  // For a multipart body's other parts.

Result<ContentRange> ReadContentRange(std::string_view text) {
  if (text == "bytes 0--1/0") text = "bytes */0";  // Node's client, of an empty file in chunks.
  const auto range = ParseContentRange(text);
  if (range) return *range;
  return Status(StatusCode::kInvalidArgument,
                "the Content-Range cannot be read; it must be like 'bytes 0-99/200', 'bytes "
                "0-99/*', 'bytes 0-*/*' or 'bytes */*'");
}

}  // namespace

bool UploadHandler::Accepts(const RequestHead& head) {
  return head.path.starts_with("/upload/") || head.path.starts_with("/storage/v1/upload/");
}

bool UploadHandler::Streams(const RequestHead& head) {
  if (!Accepts(head)) return false;
  if (head.method == Method::kPut) return true;
  return head.method == Method::kPost && RawQueryValue(head.query, "uploadType") != "resumable";
}

Response UploadHandler::Handle(const Request& request, const RequestTarget& target) {
  if (Streams(request.head)) return Start(request, target)->Finish();  // A body of no bytes.
  auto response = Route(request, target);
  return response.ok() ? *std::move(response) : StorageErrorResponse(response.status());
}

Result<Response> UploadHandler::Route(const Request& request, const RequestTarget& target) {
  GODWIT_ASSIGN_OR_RETURN(const StoragePath path, ParseStoragePath(target));
  if (!path.upload) return NoSuchMethod();
  if (const std::string_view session = target.query.Get("upload_id"); !session.empty()) {
    if (request.head.method != Method::kDelete) return NoSuchMethod();
    GODWIT_RETURN_IF_ERROR(services_.sessions.Cancel(std::string(session)));
    Response response;
    response.status = 499;  // What Cloud Storage's clients take for "cancelled".
    return response;
  }
  if (request.head.method != Method::kPost) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(ObjectWrite write, ReadWrite(request.head, target, path));
  return StartSession(request, std::move(write));
}

Result<ObjectWrite> UploadHandler::ReadWrite(const RequestHead& head, const RequestTarget& target,
                                             const StoragePath& path) const {
  GODWIT_RETURN_IF_ERROR(RefuseAccessLists(target.query));
  ObjectWrite write;
  GODWIT_ASSIGN_OR_RETURN(write.project_number, AuthorizeStorage(services_, head));
  write.bucket = path.bucket;
  write.name = path.object_name.empty() ? target.query.Get("name") : path.object_name;
  GODWIT_ASSIGN_OR_RETURN(write.precondition, ReadPrecondition(target.query));
  write.idempotency_token = head.Find("x-goog-gcs-idempotency-token").substr(0, kTokenMax);
  return write;
}

Status UploadHandler::CheckSize(std::optional<uint64_t> size_bytes) const {
  if (!size_bytes || *size_bytes <= services_.options.model_max_bytes) return Status::Ok();
  return Status(StatusCode::kResourceExhausted,
                "the upload of " + std::to_string(*size_bytes) + " bytes is larger than the " +
                    std::to_string(services_.options.model_max_bytes) +
                    " bytes that this server takes; upload a smaller file, or raise its limit");
}

Result<Response> UploadHandler::StartSession(const Request& request, ObjectWrite write) {
  const RequestHead& head = request.head;
  write.content_type = head.Find("X-Upload-Content-Type");
  GODWIT_ASSIGN_OR_RETURN(const Json resource, ParseResource(request.body));
  GODWIT_RETURN_IF_ERROR(ReadObjectMetadata(resource, &write));
  std::optional<uint64_t> size;
  if (const auto declared = ParseInt(head.Find("X-Upload-Content-Length")); declared) {
    size = static_cast<uint64_t>(std::max<int64_t>(*declared, 0));
  }
  GODWIT_RETURN_IF_ERROR(CheckSize(size));
  GODWIT_ASSIGN_OR_RETURN(const std::string id, services_.sessions.Start(write, size));
  Response response = JsonResponse(200, Json::Object());
  response.headers.emplace_back("Location", SessionUrl(StorageOrigin(services_, head), write, id));
  response.headers.emplace_back("X-GUploader-UploadID", id);
  return response;
}

ObjectReply UploadHandler::ReplyFor(const RequestHead& head) const {
  return {[origin = StorageOrigin(services_, head)](const Object& object) {
            return JsonResponse(200, ObjectJson(origin, object));
          },
          StorageErrorResponse};
}

std::unique_ptr<BodyReceiver> UploadHandler::Start(const Request& request,
                                                   const RequestTarget& target) {
  auto receiver = OpenReceiver(request, target);
  if (receiver.ok()) return *std::move(receiver);
  return NewRefusingReceiver(StorageErrorResponse(receiver.status()));
}

Result<std::unique_ptr<BodyReceiver>> UploadHandler::OpenReceiver(const Request& request,
                                                                  const RequestTarget& target) {
  const RequestHead& head = request.head;
  GODWIT_ASSIGN_OR_RETURN(const StoragePath path, ParseStoragePath(target));
  const std::string session(target.query.Get("upload_id"));
  if (head.method == Method::kPut && path.upload && !session.empty()) {
    return OpenSession(head, session);
  }
  if (head.method != Method::kPost || !path.upload) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(ObjectWrite write, ReadWrite(head, target, path));
  const std::string_view type = target.query.Get("uploadType");
  if (type == "media") {
    GODWIT_RETURN_IF_ERROR(CheckSize(head.content_length));
    GODWIT_RETURN_IF_ERROR(ReadMediaHeaders(head, &write));
    GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
    GODWIT_ASSIGN_OR_RETURN(
        auto upload, StartUploadOf(services_.objects.blobs(), head.content_length.value_or(0)));
    return NewMediaReceiver(services_.objects, std::move(write), std::move(upload), ReplyFor(head));
  }
  if (type == "multipart") {
    if (head.content_length && *head.content_length > kMultipartExtraBytes) {
      GODWIT_RETURN_IF_ERROR(CheckSize(*head.content_length - kMultipartExtraBytes));
    }
    GODWIT_ASSIGN_OR_RETURN(const std::string boundary,
                            MultipartBoundary(head.Find("Content-Type")));
    GODWIT_ASSIGN_OR_RETURN(
        auto upload, StartUploadOf(services_.objects.blobs(), head.content_length.value_or(0)));
    return NewMultipartReceiver(services_.objects, std::move(write), std::move(upload), boundary,
                                ReplyFor(head));
  }
  return Status(StatusCode::kInvalidArgument, "uploadType must be media, multipart or resumable");
}

Result<std::unique_ptr<BodyReceiver>> UploadHandler::OpenSession(const RequestHead& head,
                                                                 const std::string& id) {
  std::optional<ContentRange> range;
  if (const std::string_view text = head.Find("Content-Range"); !text.empty()) {
    GODWIT_ASSIGN_OR_RETURN(range, ReadContentRange(text));
    GODWIT_RETURN_IF_ERROR(CheckSize(range->total_bytes));
  }
  // Knowing the session's id is the permission: it came from an authorised request.
  GODWIT_ASSIGN_OR_RETURN(auto lease, services_.sessions.Acquire(id));
  if (lease->upload() != nullptr) {
    const Status reserved = lease->upload()->Reserve(head.content_length.value_or(0));
    if (reserved.code() == StatusCode::kNotEnoughSpace) (void)lease->Drop();
    GODWIT_RETURN_IF_ERROR(reserved);
  }
  return NewSessionReceiver(std::move(lease), range, ParseHashHeader(head.Find("x-goog-hash")),
                            ReplyFor(head));
}

}  // namespace godwit::server
