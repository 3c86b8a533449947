// The body of an unsuccessful answer: {"error":{"code":404,"message":"…","status":"NOT_FOUND"}}.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace godwit {

// REQUIRES: !status.ok(). code is HttpStatusFromCode's.
std::string SerializeErrorBody(const Status& status);

// The Status that an answer stands for: its code from the body's status name, else from the
// HTTP status; its message from the body, cut at 500 bytes and without control characters, else
// "the server answered 502".
// REQUIRES: http_status is no success.
Status StatusFromErrorBody(int http_status, std::string_view body);

}  // namespace godwit
