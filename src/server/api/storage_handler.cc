#include "server/api/storage_handler.h"

#include <algorithm>

#include "server/api/authentication.h"
#include "server/api/replies.h"
#include "server/api/storage_messages.h"

namespace godwit::server {
namespace {

Status NoSuchMethod() {
  return Status(StatusCode::kNotFound, "there is no such method or resource");
}

}  // namespace

bool StorageHandler::Accepts(const RequestHead& head) {
  const std::string_view path = head.path;
  return path.starts_with("/upload/") || path.starts_with("/download/") ||
         path.starts_with("/storage/") || path == "/b" || path.starts_with("/b/");
}

bool StorageHandler::IsUpload(const RequestHead& head) {
  if (head.path.find("/upload/") == std::string_view::npos) return false;
  if (head.method == Method::kPut) return true;
  return head.method == Method::kPost && RawQueryValue(head.query, "uploadType") != "resumable";
}

Result<StorageHandler::Path> StorageHandler::ParsePath(const RequestTarget& target) {
  // Served with and without /storage/v1 in front: emulator settings of clients drop or double
  // it.
  const std::vector<std::string>& segments = target.segments;
  size_t at = 0;
  Path path;
  const auto skip_version = [&] {
    if (target.At(at) == "storage" && target.At(at + 1) == "v1") at += 2;
  };
  skip_version();
  path.upload = target.At(at) == "upload";
  path.download = target.At(at) == "download";
  if (path.upload || path.download) ++at;
  skip_version();
  if (target.At(at) != "b" || segments.size() > at + 4) return NoSuchMethod();
  path.bucket = target.At(at + 1);
  path.objects = target.At(at + 2) == "o";
  path.object_name = target.At(at + 3);
  if (segments.size() > at + 2 && !path.objects) return NoSuchMethod();
  return path;
}

Result<int64_t> StorageHandler::Authorize(const RequestHead& head) const {
  if (services_.options.storage_emulator && head.Find("Authorization").empty()) {
    // Emulator clients send no credentials; only loopback reaches this.
    return services_.access.snapshot()->projects().front().number;
  }
  GODWIT_ASSIGN_OR_RETURN(const Principal principal, Authenticate(services_, head));
  return principal.project_number;
}

std::string StorageHandler::OriginOf(const RequestHead& head) const {
  const std::string host(head.host);
  const std::string public_url = services_.access.snapshot()->public_url();
  const std::vector<std::string>& hosts = services_.options.storage_hosts;
  const bool known = std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  // Behind a proxy that speaks TLS only the public URL knows the scheme.
  if (!known || public_url.ends_with("://" + host)) return public_url;
  // Google's own name is spoken to by TLS alone, though a proxy before us may have ended it.
  const bool secure = head.secure || host.ends_with(".googleapis.com");
  return (secure ? "https://" : "http://") + host;
}

ObjectReply StorageHandler::ReplyFor(const RequestHead& head) const {
  return [origin = OriginOf(head)](const Object& object) {
    return JsonResponse(200, ObjectJson(origin, object));
  };
}

Response StorageHandler::Handle(const Request& request, const RequestTarget& target) {
  if (IsUpload(request.head)) {
    // A body of no bytes does not stream.
    const auto receiver = StartUpload(request, target);
    return receiver->Finish();
  }
  auto response = Route(request, target);
  return response.ok() ? *std::move(response) : StorageErrorResponse(response.status());
}

Result<Response> StorageHandler::Route(const Request& request, const RequestTarget& target) {
  GODWIT_ASSIGN_OR_RETURN(const Path path, ParsePath(target));
  const std::string_view session = target.query.Get("upload_id");
  if (path.upload && !session.empty()) {
    if (request.head.method != Method::kDelete) return NoSuchMethod();
    GODWIT_RETURN_IF_ERROR(services_.sessions.Cancel(std::string(session)));
    Response response;
    response.status = 499;  // What Cloud Storage's clients take for "cancelled".
    return response;
  }
  GODWIT_ASSIGN_OR_RETURN(const int64_t project_number, Authorize(request.head));
  const Call call{request, target.query, path, project_number};
  if (path.upload) return StartSession(call);
  if (!path.objects) return HandleBucket(call);
  if (path.download && (path.object_name.empty() || request.head.method == Method::kDelete)) {
    return NoSuchMethod();
  }
  if (path.object_name.empty()) return ListObjects(call);
  return HandleObject(call);
}

Result<Response> StorageHandler::HandleBucket(const Call& call) {
  const std::string origin = OriginOf(call.request.head);
  const Method method = call.request.head.method;
  if (call.path.bucket.empty() && method == Method::kGet) {
    GODWIT_ASSIGN_OR_RETURN(const auto buckets, services_.objects.ListBuckets(call.project_number));
    Json items = Json::Array();
    for (const auto& [name, time] : buckets) items.Add(BucketJson(origin, name, time));
    return JsonResponse(200,
                        Json::Object({{"kind", "storage#buckets"}, {"items", std::move(items)}}));
  }
  std::string bucket = call.path.bucket;
  if (bucket.empty() && method == Method::kPost) {
    GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(call.request.body));
    bucket = body["name"].AsString();
  } else if (bucket.empty() || method != Method::kGet) {
    return NoSuchMethod();
  }
  // Buckets come into being when they are named.
  GODWIT_ASSIGN_OR_RETURN(const int64_t create_time_ms,
                          services_.objects.EnsureBucket(call.project_number, bucket));
  return JsonResponse(200, BucketJson(origin, bucket, create_time_ms));
}

Result<Response> StorageHandler::ListObjects(const Call& call) {
  if (call.request.head.method != Method::kGet) return NoSuchMethod();
  ObjectQuery query;
  query.prefix = call.query.Get("prefix");
  query.delimiter = call.query.Get("delimiter");
  query.page_token = call.query.Get("pageToken");
  if (const std::string_view limit = call.query.Get("maxResults"); !limit.empty()) {
    query.limit = static_cast<int>(std::clamp<int64_t>(ParseInt(limit).value_or(0), 0, 1001));
  }
  GODWIT_ASSIGN_OR_RETURN(const ObjectPage page,
                          services_.objects.List(call.project_number, call.path.bucket, query));
  Json body = Json::Object({{"kind", "storage#objects"}});
  Json items = Json::Array();
  const std::string origin = OriginOf(call.request.head);
  for (const Object& object : page.objects) items.Add(ObjectJson(origin, object));
  if (!page.objects.empty()) body.Set("items", std::move(items));
  Json prefixes = Json::Array();
  for (const std::string& prefix : page.prefixes) prefixes.Add(prefix);
  if (!page.prefixes.empty()) body.Set("prefixes", std::move(prefixes));
  if (!page.next_page_token.empty()) body.Set("nextPageToken", page.next_page_token);
  return JsonResponse(200, body);
}

Result<Response> StorageHandler::HandleObject(const Call& call) {
  const Path& path = call.path;
  if (call.request.head.method == Method::kDelete) {
    GODWIT_ASSIGN_OR_RETURN(const Precondition precondition, ReadPrecondition(call.query));
    GODWIT_RETURN_IF_ERROR(
        services_.objects.Delete(call.project_number, path.bucket, path.object_name, precondition));
    Response response;
    response.status = 204;
    return response;
  }
  if (call.request.head.method != Method::kGet && call.request.head.method != Method::kHead) {
    return NoSuchMethod();
  }
  const std::string_view alt = call.query.Get("alt");
  if (!alt.empty() && alt != "json" && alt != "media") {
    return Status(StatusCode::kInvalidArgument, "alt must be json or media");
  }
  GODWIT_ASSIGN_OR_RETURN(
      const Object object,
      services_.objects.Find(call.project_number, path.bucket, path.object_name));
  if (path.download || alt == "media") return SendMedia(call, object);
  return JsonResponse(200, ObjectJson(OriginOf(call.request.head), object));
}

Result<Response> StorageHandler::SendMedia(const Call&, const Object& object) {
  GODWIT_ASSIGN_OR_RETURN(auto file, services_.objects.blobs().Open(object.digest));
  std::string hashes = "crc32c=" + EncodeCrc32c(object.crc32c);
  if (!object.md5.empty()) hashes += ",md5=" + object.md5;
  return Response{200,
                  {{"Content-Type", object.content_type},
                   {"x-goog-hash", std::move(hashes)},
                   {"x-goog-generation", std::to_string(object.generation)}},
                  FileBody{std::move(file), object.size_bytes, '"' + object.digest.ToHex() + '"'}};
}

Result<ObjectWrite> StorageHandler::ReadWrite(const Call& call) const {
  ObjectWrite write;
  write.project_number = call.project_number;
  write.bucket = call.path.bucket;
  write.name = call.query.Get("name");
  GODWIT_ASSIGN_OR_RETURN(write.precondition, ReadPrecondition(call.query));
  return write;
}

Result<Response> StorageHandler::StartSession(const Call& call) {
  if (call.request.head.method != Method::kPost) return NoSuchMethod();
  const RequestHead& head = call.request.head;
  GODWIT_ASSIGN_OR_RETURN(ObjectWrite write, ReadWrite(call));
  write.content_type = head.Find("X-Upload-Content-Type");
  GODWIT_RETURN_IF_ERROR(ReadObjectMetadata(call.request.body, &write));
  std::optional<uint64_t> size;
  if (const auto declared = ParseInt(head.Find("X-Upload-Content-Length")); declared) {
    size = static_cast<uint64_t>(std::max<int64_t>(*declared, 0));
    if (*size > services_.options.model_max_bytes) {
      return Status(StatusCode::kResourceExhausted,
                    "the upload of " + std::to_string(*size) + " bytes is larger than the " +
                        std::to_string(services_.options.model_max_bytes) +
                        " bytes that this server takes");
    }
  }
  GODWIT_ASSIGN_OR_RETURN(const std::string id, services_.sessions.Start(write, size));
  Response response = JsonResponse(200, Json::Object());
  response.headers.emplace_back("Location", OriginOf(head) + "/upload/storage/v1/b/" +
                                                write.bucket +
                                                "/o?uploadType=resumable&upload_id=" + id);
  response.headers.emplace_back("X-GUploader-UploadID", id);
  return response;
}

std::unique_ptr<BodyReceiver> StorageHandler::StartUpload(const Request& request,
                                                          const RequestTarget& target) {
  auto receiver = OpenReceiver(request, target);
  if (receiver.ok()) return *std::move(receiver);
  return NewRefusingReceiver(StorageErrorResponse(receiver.status()));
}

Result<std::unique_ptr<BodyReceiver>> StorageHandler::OpenReceiver(const Request& request,
                                                                   const RequestTarget& target) {
  const RequestHead& head = request.head;
  GODWIT_ASSIGN_OR_RETURN(const Path path, ParsePath(target));
  const std::string session(target.query.Get("upload_id"));
  if (head.method == Method::kPut && path.upload && !session.empty()) {
    return OpenSession(request, session);
  }
  if (head.method != Method::kPost || !path.upload) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const int64_t project_number, Authorize(head));
  GODWIT_ASSIGN_OR_RETURN(ObjectWrite write,
                          ReadWrite({request, target.query, path, project_number}));
  if (head.content_length && *head.content_length > services_.options.model_max_bytes + (1 << 20)) {
    return Status(StatusCode::kResourceExhausted, "the upload is larger than this server takes");
  }
  const std::string_view type = target.query.Get("uploadType");
  if (type == "media") {
    write.content_type = head.Find("Content-Type");
    write.hashes = ParseHashHeader(head.Find("x-goog-hash"));
    GODWIT_RETURN_IF_ERROR(CheckObjectName(write.bucket, write.name));
    GODWIT_RETURN_IF_ERROR(CheckContentType(write.content_type));
    GODWIT_ASSIGN_OR_RETURN(auto upload, services_.objects.blobs().StartUpload());
    return NewMediaReceiver(services_.objects, std::move(write), std::move(upload), ReplyFor(head));
  }
  if (type == "multipart") {
    GODWIT_ASSIGN_OR_RETURN(const std::string boundary,
                            MultipartBoundary(head.Find("Content-Type")));
    GODWIT_ASSIGN_OR_RETURN(auto upload, services_.objects.blobs().StartUpload());
    return NewMultipartReceiver(services_.objects, std::move(write), std::move(upload), boundary,
                                ReplyFor(head));
  }
  return Status(StatusCode::kInvalidArgument, "uploadType must be media, multipart or resumable");
}

Result<std::unique_ptr<BodyReceiver>> StorageHandler::OpenSession(const Request& request,
                                                                  const std::string& id) {
  const RequestHead& head = request.head;
  const std::string_view range_text = head.Find("Content-Range");
  std::optional<ContentRange> range;
  if (!range_text.empty()) {
    range = ParseContentRange(range_text);
    if (!range) {
      return Status(StatusCode::kInvalidArgument, "the Content-Range cannot be read");
    }
    if (range->total_bytes && *range->total_bytes > services_.options.model_max_bytes) {
      return Status(StatusCode::kResourceExhausted, "the upload is larger than this server takes");
    }
  }
  // Knowing the session's id is the permission: it came from an authorised request.
  GODWIT_ASSIGN_OR_RETURN(auto lease, services_.sessions.Acquire(id));
  return NewSessionReceiver(std::move(lease), range, ParseHashHeader(head.Find("x-goog-hash")),
                            ReplyFor(head));
}

}  // namespace godwit::server
