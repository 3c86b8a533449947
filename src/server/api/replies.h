// The forms of an answer.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "protocol/json.h"
#include "server/http/message.h"

namespace godwit::server {

Response JsonResponse(int http_status, const Json& body);
Response TextResponse(int http_status, std::string body);

// {"error":{"code","message","status"}}, and Retry-After where another try may help.
Response ErrorResponse(const Status& status);

// Cloud Storage's form: {"error":{"code","message","errors":[{"domain","reason","message"}]}}.
Response StorageErrorResponse(const Status& status);

// The form of Cloud Storage's XML paths. denied_code: what kPermissionDenied is called.
Response XmlErrorResponse(const Status& status, std::string_view denied_code = "AccessDenied");

// The error of a path or method that is none.
Status NoSuchMethod();

// So that no cache keeps a secret.
Response WithoutStore(Response response);

}  // namespace godwit::server
