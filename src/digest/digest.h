// Digest: the SHA-256 that names a blob.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

// 32 bytes. A value type.
struct Digest {
  std::array<uint8_t, 32> bytes{};

  // Exactly 64 lower-case hex digits; kInvalidArgument otherwise.
  static Result<Digest> Parse(std::string_view hex);

  std::string ToHex() const;
  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// Streaming SHA-256. Not thread-safe. Reusable after Finish().
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void Update(std::span<const std::byte> data);
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest DigestOf(std::span<const std::byte> data);
Digest DigestOf(std::string_view data);

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) continued from `crc`; start with 0.
uint32_t Crc32c(uint32_t crc, std::span<const std::byte> data);

// The same without special instructions; for CPUs that lack them, and to test against.
uint32_t Crc32cByTable(uint32_t crc, std::span<const std::byte> data);

}  // namespace godwit
