#include "protocol/error_body.h"

#include "protocol/json.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr size_t kMessageMax = 500;
constexpr size_t kBodyMax = 64 << 10;
constexpr std::string_view kErrorInfo = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr std::string_view kRevoked = "VERSION_REVOKED";
constexpr std::string_view kDomain = "godwit";

StatusCode CodeFromName(std::string_view name) {
  for (int number = 1; number <= static_cast<int>(StatusCode::kIo); ++number) {
    if (StatusCodeName(static_cast<StatusCode>(number)) == name) {
      return static_cast<StatusCode>(number);
    }
  }
  return StatusCode::kOk;
}

StatusCode CodeFromHttp(int http_status) {
  switch (http_status) {
    case 400:
      return StatusCode::kInvalidArgument;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kNotFound;
    case 409:
      return StatusCode::kAborted;
    case 412:
      return StatusCode::kFailedPrecondition;
    case 416:
      return StatusCode::kOutOfRange;
    case 429:
      return StatusCode::kResourceExhausted;
    case 499:
      return StatusCode::kCancelled;
    case 501:
      return StatusCode::kUnimplemented;
    case 502:
    case 503:
      return StatusCode::kUnavailable;
    case 504:
      return StatusCode::kDeadlineExceeded;
    default:
      break;
  }
  return http_status >= 400 && http_status < 500 ? StatusCode::kInvalidArgument
                                                 : StatusCode::kInternal;
}

// At most kMessageMax bytes, whole characters only, and none that would command a terminal.
std::string Clean(std::string message) {
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (message.size() <= kMessageMax) return message;
  size_t end = kMessageMax;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  message.resize(end);
  return message + "…";
}

Json ErrorJson(const Status& status) {
  return Json::Object({{"code", HttpStatusFromCode(status.code())},
                       {"message", status.message()},
                       {"status", StatusCodeName(status.code())}});
}

}  // namespace

std::string SerializeErrorBody(const Status& status) {
  return Json::Object({{"error", ErrorJson(status)}}).Serialize();
}

std::string SerializeRevokedBody(const Status& status, std::string_view model_hash) {
  Json error = ErrorJson(status);
  error.Set("details",
            Json::Array({Json::Object({{"@type", kErrorInfo},
                                       {"reason", kRevoked},
                                       {"domain", kDomain},
                                       {"metadata", Json::Object({{"modelHash", model_hash}})}})}));
  return Json::Object({{"error", std::move(error)}}).Serialize();
}

std::string RevokedHashFromErrorBody(std::string_view body) {
  const auto json = Json::Parse(body, {.bytes_max = kBodyMax});
  if (!json.ok()) return "";
  for (const Json& detail : (*json)["error"]["details"].items()) {
    if (detail["@type"].AsString() != kErrorInfo || detail["reason"].AsString() != kRevoked ||
        detail["domain"].AsString() != kDomain) {
      continue;
    }
    const std::string& hash = detail["metadata"]["modelHash"].AsString();
    if (IsSha256Hex(hash)) return hash;
  }
  return "";
}

Status StatusFromErrorBody(int http_status, std::string_view body) {
  StatusCode code = CodeFromHttp(http_status);
  std::string message = "the server answered " + std::to_string(http_status);
  // A proxy's page of HTML is no error of ours: then the number says it all.
  const auto json = Json::Parse(body, {.bytes_max = kBodyMax});
  if (!json.ok()) return Status(code, message);
  const Json& error = (*json)["error"];
  const StatusCode named = CodeFromName(error["status"].AsString());
  if (named != StatusCode::kOk) code = named;
  if (!error["message"].AsString().empty()) message = Clean(error["message"].AsString());
  return Status(code, std::move(message));
}

}  // namespace godwit
