#include "device/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "crypto/crypto.h"

namespace godwit {
namespace {

constexpr int64_t kFirstDelayMs = 500;
constexpr int64_t kDelayMaxMs = 30'000;

}  // namespace

int64_t RetryAfterMs(const std::vector<HttpHeader>& headers) {
  const std::string_view text = FindHeader(headers, "Retry-After").value_or("");
  int32_t seconds = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && rest == text.data() + text.size();
  return whole && seconds > 0 ? int64_t{seconds} * 1000 : 0;
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
