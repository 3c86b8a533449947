// When a failed request may be tried again, and after how long. Pure but for chance.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/status.h"
#include "http/http_client.h"

namespace godwit {

// How long an answer asks to wait, as ParseRetryAfterMs reads it.
int64_t RetryAfterMs(const HttpResponse& response, const Clock& clock);

// Doubles with each retry; then between half of it and all of it by chance, so that devices
// that failed together do not come back together.
int64_t RetryDelayMs(int retries_spent);

bool IsTransientHttp(int status);
bool IsTransient(StatusCode code);

}  // namespace godwit
