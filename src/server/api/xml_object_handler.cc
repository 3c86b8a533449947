#include "server/api/xml_object_handler.h"

#include "server/api/authentication.h"
#include "server/api/replies.h"
#include "server/api/storage_messages.h"
#include "server/api/storage_request.h"
#include "server/storage/signed_url.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {
namespace {

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kPatch:
    case Method::kOptions:
      break;
  }
  return "";
}

bool IsSigned(const RequestHead& head) {
  return !RawQueryValue(head.query, "X-Goog-Signature").empty() ||
         !RawQueryValue(head.query, "Signature").empty();
}

// The project of the account that signed the request.
Result<int64_t> VerifySigned(const ApiServices& services, const SignedUrl& url,
                             const SignedRequest& request) {
  GODWIT_RETURN_IF_ERROR(url.CheckTime(services.clock.NowMs()));
  const Status wrong(StatusCode::kPermissionDenied,
                     "the signature of the URL does not hold for this request and the keys of " +
                         url.email() + "; sign it anew");
  const auto keys = services.access.PublicKeysOf(url.email());
  if (!keys.ok()) return keys.status().code() == StatusCode::kNotFound ? wrong : keys.status();
  for (const std::string& pem : keys->public_key_pems) {
    GODWIT_ASSIGN_OR_RETURN(const RsaKey key, RsaKey::FromPublicPem(pem));
    if (!url.Verify(request, key)) continue;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const Principal signer{keys->project_number, url.email(), 0, keys->role};
    GODWIT_RETURN_IF_ERROR(RequireRole(signer, reads ? Role::kViewer : Role::kEditor));
    return keys->project_number;
  }
  return wrong;
}

Response XmlReply(const Object& object) {
  Response response{200, MediaHeaders(object), std::string()};
  response.headers.emplace_back("ETag", QuotedEtag(object));
  return response;
}

// What a link may ask of its answer's headers.
Status OverrideHeaders(const QueryParameters& query, Response* response) {
  constexpr std::pair<std::string_view, std::string_view> kOverrides[] = {
      {"response-content-disposition", "Content-Disposition"},
      {"response-content-type", "Content-Type"}};
  for (const auto& [parameter, header] : kOverrides) {
    const std::string_view value = query.Get(parameter);
    if (value.empty()) continue;
    GODWIT_RETURN_IF_ERROR(CheckHeaderValue(parameter, value));
    std::erase_if(response->headers, [name = header](const auto& h) { return h.first == name; });
    response->headers.emplace_back(header, value);
  }
  return Status::Ok();
}

}  // namespace

Status CheckStorageLink(const ApiServices& services, std::string_view uri, int64_t project_number) {
  const size_t scheme_end = uri.find("://");
  // An emulator's clients sign with keys that nobody knows.
  if (!uri.starts_with("http") || scheme_end == std::string_view::npos ||
      services.options.storage_emulator) {
    return Status::Ok();
  }
  std::string_view rest = uri.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t question = std::min(rest.find('?'), rest.size());
  const std::string_view query = rest.substr(std::min(rest.size(), question + 1));
  rest = rest.substr(0, question);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view host = rest.substr(0, slash);
  GODWIT_ASSIGN_OR_RETURN(const auto url, SignedUrl::Parse(query));
  if (!url) return Status::Ok();
  const auto project =
      VerifySigned(services, *url, {"GET", host, rest.substr(slash), BucketOfHost(host), {}});
  if (project.ok() && *project == project_number) return Status::Ok();
  if (!project.ok() && project.status().code() != StatusCode::kPermissionDenied &&
      project.status().code() != StatusCode::kDownloadUrlExpired) {
    return project.status();
  }
  return Status(StatusCode::kInvalidArgument,
                "tfliteModel.gcsTfliteUri: " +
                    (project.ok() ? "the signed URL is of another project's account"
                                  : project.status().message()));
}

bool XmlObjectHandler::AcceptsHost(const RequestHead& head) {
  return !BucketOfHost(head.host).empty();
}

bool XmlObjectHandler::Streams(const RequestHead& head) {
  return head.method == Method::kPut && (AcceptsHost(head) || IsSigned(head));
}

Result<XmlObjectHandler::Target> XmlObjectHandler::ParseTarget(const RequestHead& head) {
  Target target;
  target.bucket = BucketOfHost(head.host);
  std::string_view name = head.path.substr(std::min<size_t>(head.path.size(), 1));
  if (target.bucket.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    target.bucket = name.substr(0, slash);
    name.remove_prefix(std::min(name.size(), slash + 1));
  }
  GODWIT_ASSIGN_OR_RETURN(target.object_name, PercentDecode(name));
  GODWIT_RETURN_IF_ERROR(CheckObjectName(target.bucket, target.object_name));
  return target;
}

Result<int64_t> XmlObjectHandler::Authorize(const RequestHead& head) const {
  GODWIT_ASSIGN_OR_RETURN(const auto url, SignedUrl::Parse(head.query));
  if (!url) return AuthorizeStorage(services_, head);
  std::vector<SignedRequest::Header> headers;
  for (const RequestHead::Header& header : head.headers) {
    headers.push_back({header.name, header.value});
  }
  return VerifySigned(
      services_, *url,
      {MethodName(head.method), head.host, head.path, BucketOfHost(head.host), headers});
}

std::optional<Response> XmlObjectHandler::Handle(const Request& request) {
  const RequestHead& head = request.head;
  if (Streams(head)) return Start(head)->Finish();  // A body of no bytes.
  const auto target = ParseTarget(head);
  const bool has_host = IsGoogleStorageHost(head.host);
  if (!target.ok()) {
    if (!has_host) return std::nullopt;
    return XmlErrorResponse(target.status());
  }
  auto project_number = Authorize(head);
  if (!project_number.ok()) {
    if (IsSigned(head)) return XmlErrorResponse(project_number.status(), "SignatureDoesNotMatch");
    if (project_number.status().code() != StatusCode::kUnauthenticated) {
      return XmlErrorResponse(project_number.status());
    }
    // Nobody's project: whether there is such a bucket at all.
    if (!has_host &&
        services_.objects.FindBucket(0, target->bucket).status().code() == StatusCode::kNotFound) {
      return std::nullopt;
    }
    if (!head.Find("Authorization").empty()) return XmlErrorResponse(project_number.status());
    return XmlErrorResponse(
        Status(StatusCode::kPermissionDenied,
               "the object is not public; sign its URL with a service account's key"));
  }
  auto response = Route(head, *target, *project_number);
  return response.ok() ? *std::move(response) : XmlErrorResponse(response.status());
}

Result<Response> XmlObjectHandler::Route(const RequestHead& head, const Target& target,
                                         int64_t project_number) {
  switch (head.method) {
    case Method::kGet:
    case Method::kHead:
      return Read(head, target, project_number);
    case Method::kDelete: {
      GODWIT_ASSIGN_OR_RETURN(const ObjectWrite write, ReadWrite(head, target, project_number));
      GODWIT_RETURN_IF_ERROR(services_.objects.Delete(
          project_number, {target.bucket, target.object_name, {}, write.precondition}));
      Response response;
      response.status = 204;
      return response;
    }
    case Method::kPost:
      if (head.Find("x-goog-resumable") == "start") {
        return StartSession(head, target, project_number);
      }
      break;
    default:
      break;
  }
  return Status(StatusCode::kInvalidArgument, "the method is not offered on an object's path");
}

Result<Response> XmlObjectHandler::Read(const RequestHead& head, const Target& target,
                                        int64_t project_number) {
  GODWIT_ASSIGN_OR_RETURN(const Object object, services_.objects.Find(project_number, target.bucket,
                                                                      target.object_name));
  GODWIT_ASSIGN_OR_RETURN(auto file, services_.objects.blobs().Open(object.digest));
  Response response{200, MediaHeaders(object),
                    FileBody{std::move(file), object.size_bytes, QuotedEtag(object)}};
  GODWIT_ASSIGN_OR_RETURN(const QueryParameters query, QueryParameters::Parse(head.query));
  GODWIT_RETURN_IF_ERROR(OverrideHeaders(query, &response));
  return response;
}

Result<ObjectWrite> XmlObjectHandler::ReadWrite(const RequestHead& head, const Target& target,
                                                int64_t project_number) const {
  ObjectWrite write;
  write.project_number = project_number;
  write.bucket = target.bucket;
  write.name = target.object_name;
  GODWIT_RETURN_IF_ERROR(ReadMediaHeaders(head, &write));
  return write;
}

Result<Response> XmlObjectHandler::StartSession(const RequestHead& head, const Target& target,
                                                int64_t project_number) {
  GODWIT_ASSIGN_OR_RETURN(const ObjectWrite write, ReadWrite(head, target, project_number));
  if (write.size_range) {
    return Status(StatusCode::kInvalidArgument,
                  "x-goog-content-length-range binds a PUT of the bytes alone, so no upload was "
                  "started; sign a PUT, or leave it out");
  }
  GODWIT_ASSIGN_OR_RETURN(const std::string id, services_.sessions.Start(write, std::nullopt));
  Response response;
  response.status = 201;
  response.headers.emplace_back("Location", SessionUrl(StorageOrigin(services_, head), write, id));
  return response;
}

std::unique_ptr<BodyReceiver> XmlObjectHandler::Start(const RequestHead& head) {
  auto receiver = OpenReceiver(head);
  if (receiver.ok()) return *std::move(receiver);
  return NewRefusingReceiver(XmlErrorResponse(
      receiver.status(), IsSigned(head) ? "SignatureDoesNotMatch" : "AccessDenied"));
}

Result<std::unique_ptr<BodyReceiver>> XmlObjectHandler::OpenReceiver(const RequestHead& head) {
  GODWIT_ASSIGN_OR_RETURN(const Target target, ParseTarget(head));
  GODWIT_ASSIGN_OR_RETURN(const int64_t project_number, Authorize(head));
  GODWIT_ASSIGN_OR_RETURN(ObjectWrite write, ReadWrite(head, target, project_number));
  if (head.content_length) {
    GODWIT_RETURN_IF_ERROR(CheckSizeRange(write.size_range, *head.content_length));
  }
  GODWIT_ASSIGN_OR_RETURN(
      auto upload, StartUploadOf(services_.objects.blobs(), head.content_length.value_or(0)));
  return NewMediaReceiver(
      services_.objects, std::move(write), std::move(upload),
      {XmlReply, [](const Status& status) { return XmlErrorResponse(status); }});
}

}  // namespace godwit::server
