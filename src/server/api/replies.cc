#include "server/api/replies.h"

#include "protocol/error_body.h"

namespace godwit::server {
namespace {

constexpr char kJsonType[] = "application/json; charset=UTF-8";

struct StorageError {
  StatusCode code;
  int http_status;
  const char* reason;
  const char* xml_code;
};

// Statuses as Cloud Storage's clients expect them: 412 for a failed precondition, and 503,
// which they retry, for an upload session that another request still holds.
constexpr StorageError kStorageErrors[] = {
    {StatusCode::kInvalidArgument, 400, "invalid", "InvalidArgument"},
    {StatusCode::kDataLoss, 400, "invalid", "BadDigest"},
    {StatusCode::kUnauthenticated, 401, "required", "AuthenticationRequired"},
    {StatusCode::kPermissionDenied, 403, "forbidden", "AccessDenied"},
    {StatusCode::kNotFound, 404, "notFound", "NoSuchKey"},
    {StatusCode::kAlreadyExists, 409, "conflict", "Conflict"},
    {StatusCode::kFailedPrecondition, 412, "conditionNotMet", "PreconditionFailed"},
    {StatusCode::kResourceExhausted, 413, "uploadTooLarge", "EntityTooLarge"},
    {StatusCode::kOutOfRange, 416, "requestedRangeNotSatisfiable", "InvalidRange"},
    {StatusCode::kAborted, 503, "backendError", "ServiceUnavailable"},
    {StatusCode::kUnavailable, 503, "backendError", "ServiceUnavailable"},
    {StatusCode::kNotEnoughSpace, 507, "insufficientStorage", "InsufficientStorage"},
    {StatusCode::kDownloadUrlExpired, 400, "invalid", "ExpiredToken"},
};

StorageError FormOf(const Status& status) {
  for (const StorageError& row : kStorageErrors) {
    if (row.code == status.code()) return row;
  }
  return {status.code(), 500, "internalError", "InternalError"};
}

std::string XmlEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      default:
        // XML knows no control characters, not even escaped.
        escaped += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return escaped;
}

void AddRetryAfter(int http_status, Response* response) {
  if (http_status == 503) response->headers.emplace_back("Retry-After", "1");
}

// RFC 9110, section 15.5.2. Not on the devices' paths, whose clients expect none.
void AddChallenge(int http_status, Response* response) {
  if (http_status == 401) {
    response->headers.emplace_back("WWW-Authenticate", "Bearer realm=\"godwit\"");
  }
}

}  // namespace

Response JsonResponse(int http_status, const Json& body) {
  return {http_status, {{"Content-Type", kJsonType}}, body.Serialize()};
}

Response TextResponse(int http_status, std::string body) {
  return {http_status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

Response ErrorResponse(const Status& status) {
  const int http_status = HttpStatusFromCode(status.code());
  Response response{http_status, {{"Content-Type", kJsonType}}, SerializeErrorBody(status)};
  AddRetryAfter(http_status, &response);
  return response;
}

Response StorageErrorResponse(const Status& status) {
  const StorageError form = FormOf(status);
  const Json reason =
      Json::Object({{"domain", "global"}, {"reason", form.reason}, {"message", status.message()}});
  const Json error = Json::Object({{"code", form.http_status},
                                   {"message", status.message()},
                                   {"errors", Json::Array({reason})}});
  Response response = JsonResponse(form.http_status, Json::Object({{"error", error}}));
  AddRetryAfter(form.http_status, &response);
  AddChallenge(form.http_status, &response);
  return response;
}

Response XmlErrorResponse(const Status& status, std::string_view denied_code) {
  const StorageError form = FormOf(status);
  const bool denied = status.code() == StatusCode::kPermissionDenied;
  Response response{form.http_status,
                    {{"Content-Type", "application/xml; charset=UTF-8"}},
                    "<?xml version='1.0' encoding='UTF-8'?><Error><Code>" +
                        std::string(denied ? denied_code : form.xml_code) + "</Code><Message>" +
                        XmlEscape(status.message()) + "</Message></Error>"};
  AddRetryAfter(form.http_status, &response);
  AddChallenge(form.http_status, &response);
  return response;
}

Status NoSuchMethod() {
  return Status(StatusCode::kNotFound, "there is no such method or resource");
}

Response WithoutStore(Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace godwit::server
