#include "capi/errors.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "godwit/client.h"

namespace godwit::capi {
namespace {

#define GODWIT_SAME(c_name, name) \
  static_assert(static_cast<int>(GODWIT_##c_name) == static_cast<int>(StatusCode::name))
GODWIT_SAME(OK, kOk);
GODWIT_SAME(CANCELLED, kCancelled);
GODWIT_SAME(UNKNOWN, kUnknown);
GODWIT_SAME(INVALID_ARGUMENT, kInvalidArgument);
GODWIT_SAME(DEADLINE_EXCEEDED, kDeadlineExceeded);
GODWIT_SAME(NOT_FOUND, kNotFound);
GODWIT_SAME(ALREADY_EXISTS, kAlreadyExists);
GODWIT_SAME(PERMISSION_DENIED, kPermissionDenied);
GODWIT_SAME(RESOURCE_EXHAUSTED, kResourceExhausted);
GODWIT_SAME(FAILED_PRECONDITION, kFailedPrecondition);
GODWIT_SAME(ABORTED, kAborted);
GODWIT_SAME(OUT_OF_RANGE, kOutOfRange);
GODWIT_SAME(UNIMPLEMENTED, kUnimplemented);
GODWIT_SAME(INTERNAL, kInternal);
GODWIT_SAME(UNAVAILABLE, kUnavailable);
GODWIT_SAME(DATA_LOSS, kDataLoss);
GODWIT_SAME(UNAUTHENTICATED, kUnauthenticated);
GODWIT_SAME(NO_NETWORK_CONNECTION, kNoNetworkConnection);
GODWIT_SAME(NOT_ENOUGH_SPACE, kNotEnoughSpace);
GODWIT_SAME(MODEL_HASH_MISMATCH, kModelHashMismatch);
GODWIT_SAME(DOWNLOAD_URL_EXPIRED, kDownloadUrlExpired);
GODWIT_SAME(CONDITIONS_UNMET, kConditionsUnmet);
GODWIT_SAME(QUARANTINED, kQuarantined);
GODWIT_SAME(GATE_REFUSED, kGateRefused);
GODWIT_SAME(STORE_CORRUPT, kStoreCorrupt);
GODWIT_SAME(RUNTIME_MISSING, kRuntimeMissing);
GODWIT_SAME(IO, kIo);
#undef GODWIT_SAME

bool ContinuesACharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

godwit_status Report(const Status& status, godwit_error* error) {
  const auto code = static_cast<godwit_status>(status.code());
  if (error == nullptr) return code;
  error->code = code;
  CutText(status.message(), error->message, GODWIT_ERROR_MESSAGE_MAX);
  return code;
}

void CutText(std::string_view text, char* out, size_t size_max) {
  size_t size = std::min(text.size(), size_max - 1);
  while (size < text.size() && size > 0 && ContinuesACharacter(text[size])) --size;
  std::memcpy(out, text.data(), size);
  out[size] = '\0';
}

char* CopyText(std::string_view text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

}  // namespace godwit::capi

const char* godwit_status_name(godwit_status status) {
  // The names are literals, so they end with a zero.
  return godwit::StatusCodeName(static_cast<godwit::StatusCode>(status)).data();
}

void godwit_string_release(char* text) { std::free(text); }
