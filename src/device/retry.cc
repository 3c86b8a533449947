#include "device/retry.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/crypto.h"
#include "http/retry_after.h"

namespace godwit {
namespace {

constexpr int64_t kFirstDelayMs = 500;
constexpr int64_t kDelayMaxMs = 30'000;

}  // namespace

int64_t RetryAfterMs(const HttpResponse& response, const Clock& clock) {
  return ParseRetryAfterMs(FindHeader(response.headers, "Retry-After").value_or(""), clock.NowMs());
}

int64_t RetryDelayMs(int retries_spent) {
  const int64_t delay_ms = std::min(kDelayMaxMs, kFirstDelayMs << std::min(retries_spent, 10));
  std::array<std::byte, 4> random;
  FillRandom(random);
  uint32_t number = 0;
  std::memcpy(&number, random.data(), sizeof number);
  return delay_ms / 2 + static_cast<int64_t>(number % static_cast<uint32_t>(delay_ms / 2 + 1));
}

bool IsTransientHttp(int status) {
  return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

bool IsTransient(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded;
}

}  // namespace godwit
