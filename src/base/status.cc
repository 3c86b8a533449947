#include "base/status.h"

namespace godwit {
namespace {

struct CodeRow {
  StatusCode code;
  std::string_view name;
  int http_status;
};

constexpr CodeRow kCodes[] = {
    {StatusCode::kOk, "OK", 200},
    {StatusCode::kCancelled, "CANCELLED", 499},
    {StatusCode::kUnknown, "UNKNOWN", 500},
    {StatusCode::kInvalidArgument, "INVALID_ARGUMENT", 400},
    {StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", 504},
    {StatusCode::kNotFound, "NOT_FOUND", 404},
    {StatusCode::kAlreadyExists, "ALREADY_EXISTS", 409},
    {StatusCode::kPermissionDenied, "PERMISSION_DENIED", 403},
    {StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", 429},
    {StatusCode::kFailedPrecondition, "FAILED_PRECONDITION", 400},
    {StatusCode::kAborted, "ABORTED", 409},
    {StatusCode::kOutOfRange, "OUT_OF_RANGE", 400},
    {StatusCode::kUnimplemented, "UNIMPLEMENTED", 501},
    {StatusCode::kInternal, "INTERNAL", 500},
    {StatusCode::kUnavailable, "UNAVAILABLE", 503},
    {StatusCode::kDataLoss, "DATA_LOSS", 500},
    {StatusCode::kUnauthenticated, "UNAUTHENTICATED", 401},
    {StatusCode::kNoNetworkConnection, "NO_NETWORK_CONNECTION", 503},
    {StatusCode::kNotEnoughSpace, "NOT_ENOUGH_SPACE", 507},
    {StatusCode::kModelHashMismatch, "MODEL_HASH_MISMATCH", 500},
    {StatusCode::kDownloadUrlExpired, "DOWNLOAD_URL_EXPIRED", 400},
    {StatusCode::kConditionsUnmet, "CONDITIONS_UNMET", 500},
    {StatusCode::kQuarantined, "QUARANTINED", 500},
    {StatusCode::kGateRefused, "GATE_REFUSED", 500},
    {StatusCode::kStoreCorrupt, "STORE_CORRUPT", 500},
    {StatusCode::kRuntimeMissing, "RUNTIME_MISSING", 500},
    {StatusCode::kIo, "IO", 500},
};

const CodeRow& RowOf(StatusCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes[2];
}

}  // namespace

std::string_view StatusCodeName(StatusCode code) { return RowOf(code).name; }

int HttpStatusFromCode(StatusCode code) { return RowOf(code).http_status; }

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code_, std::string(context) + ": " + message_);
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  return std::string(StatusCodeName(code_)) + ": " + message_;
}

}  // namespace godwit
