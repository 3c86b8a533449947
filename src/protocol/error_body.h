// The body of an unsuccessful answer: {"error":{"code":404,"message":"…","status":"NOT_FOUND"}}.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace godwit {

// REQUIRES: !status.ok(). code is HttpStatusFromCode's.
std::string SerializeErrorBody(const Status& status);

// The body for a device whose model was revoked and that gets no other: the error, and the SHA-256
// (lower-case hex) of the file that must not be used any more, as a google.rpc.ErrorInfo in
// `details`. REQUIRES: !status.ok().
std::string SerializeRevokedBody(const Status& status, std::string_view model_hash);
// That SHA-256; empty when the body says nothing of the kind.
std::string RevokedHashFromErrorBody(std::string_view body);

// The Status that an answer stands for: its code from the body's status name, else from the
// HTTP status; its message from the body, cut at 500 bytes and without control characters, else
// "the server answered 502".
// REQUIRES: http_status is no success.
Status StatusFromErrorBody(int http_status, std::string_view body);

}  // namespace godwit
