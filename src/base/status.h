// Status: why an operation failed, as the caller must act on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace godwit {

// The list is closed. The numbers are google.rpc's, then Firebase's own (17 to 121), then ours
// from 200; the C ABI (godwit/status.h) and the JSON errors carry the same numbers, so a new
// code is a new promise in all of them.
enum class StatusCode : int32_t {
  kOk = 0,
  kCancelled = 1,             // The caller asked for it.
  kUnknown = 2,               // The peer failed in a way that it did not explain.
  kInvalidArgument = 3,       // The call is wrong; do not retry.
  kDeadlineExceeded = 4,      // Took too long; retrying later may succeed.
  kNotFound = 5,              // The thing asked for does not exist.
  kAlreadyExists = 6,         // It is there already; read it instead.
  kPermissionDenied = 7,      // The credentials do not allow it.
  kResourceExhausted = 8,     // A limit or quota is reached; see the message.
  kFailedPrecondition = 9,    // Not in this state; see the message.
  kAborted = 10,              // A concurrent change won; read again, then retry.
  kOutOfRange = 11,           // Past the end of a file or a list.
  kUnimplemented = 12,        // Known, but not offered here.
  kInternal = 13,             // A bug in godwit. Please report it.
  kUnavailable = 14,          // Network or server; retrying later may succeed.
  kDataLoss = 15,             // Bytes do not match their digest or format.
  kUnauthenticated = 16,      // Credentials are missing, wrong or expired.
  kNoNetworkConnection = 17,  // There is no network at all.
  kNotEnoughSpace = 101,      // The disk is full; free space, then retry.
  kModelHashMismatch = 102,   // The downloaded file is not the announced one.
  kDownloadUrlExpired = 121,  // The link ran out; ask for a new one.
  kConditionsUnmet = 200,     // A download condition does not hold (yet).
  kQuarantined = 201,         // This version crashed here before.
  kGateRefused = 202,         // The activation gate refused the new version.
  kStoreCorrupt = 203,        // The device's store is damaged; see the message.
  kRuntimeMissing = 204,      // No interpreter library was found.
  kIo = 205,                  // The disk failed in another way than being full.
};

// "NOT_FOUND" and so on: the canonical upper-case name that the JSON error body carries.
std::string_view StatusCodeName(StatusCode code);

// The HTTP status that carries this code (404 for kNotFound); 500 where there is no better one.
int HttpStatusFromCode(StatusCode code);

// A code and a sentence for a person: outermost context first, cause, then the next step.
// A value type. Thread-safe as a std::string is.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // REQUIRES: code != kOk.
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return Status(); }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "context: " before its message; Ok stays Ok.
  Status WithContext(std::string_view context) const;

  // "NOT_FOUND: model 'face' …"; "OK" when ok().
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

}  // namespace godwit

// Evaluates expr once; returns its Status from the enclosing function if it is an error.
#define GODWIT_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::godwit::Status godwit_status_ = (expr);        \
    if (!godwit_status_.ok()) return godwit_status_; \
  } while (false)
