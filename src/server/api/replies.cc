#include "server/api/replies.h"

#include "protocol/error_body.h"

namespace godwit::server {
namespace {

constexpr char kJsonType[] = "application/json; charset=UTF-8";

struct StorageError {
  StatusCode code;
  int http_status;
  const char* reason;
};

// Statuses as Cloud Storage's clients expect them: 412 for a failed precondition, and 503,
// which they retry, for an upload session that another request still holds.
constexpr StorageError kStorageErrors[] = {
    {StatusCode::kInvalidArgument, 400, "invalid"},
    {StatusCode::kDataLoss, 400, "invalid"},
    {StatusCode::kUnauthenticated, 401, "required"},
    {StatusCode::kPermissionDenied, 403, "forbidden"},
    {StatusCode::kNotFound, 404, "notFound"},
    {StatusCode::kAlreadyExists, 409, "conflict"},
    {StatusCode::kFailedPrecondition, 412, "conditionNotMet"},
    {StatusCode::kResourceExhausted, 413, "uploadTooLarge"},
    {StatusCode::kOutOfRange, 416, "requestedRangeNotSatisfiable"},
    {StatusCode::kAborted, 503, "backendError"},
    {StatusCode::kUnavailable, 503, "backendError"},
    {StatusCode::kNotEnoughSpace, 507, "insufficientStorage"},
};

void AddRetryAfter(int http_status, Response* response) {
  if (http_status == 503) response->headers.emplace_back("Retry-After", "1");
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
  StorageError form{status.code(), 500, "internalError"};
  for (const StorageError& row : kStorageErrors) {
    if (row.code == status.code()) form = row;
  }
  const Json reason =
      Json::Object({{"domain", "global"}, {"reason", form.reason}, {"message", status.message()}});
  const Json error = Json::Object({{"code", form.http_status},
                                   {"message", status.message()},
                                   {"errors", Json::Array({reason})}});
  Response response = JsonResponse(form.http_status, Json::Object({{"error", error}}));
  AddRetryAfter(form.http_status, &response);
  return response;
}

}  // namespace godwit::server
