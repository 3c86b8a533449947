#include "digest/digest.h"

#include "crypto/crypto.h"

namespace godwit {
namespace {

// -1 when it is no lower-case hexadecimal digit.
int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

// Asked for with every request for a blob, so it allocates nothing on the way to a digest.
Result<Digest> Digest::Parse(std::string_view hex) {
  Digest digest;
  bool valid = hex.size() == 2 * digest.bytes.size();
  for (size_t i = 0; valid && i < digest.bytes.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    valid = high >= 0 && low >= 0;
    digest.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (valid) return digest;
  return Status(StatusCode::kInvalidArgument,
                "a SHA-256 is written as exactly 64 lower-case hexadecimal digits");
}

std::string Digest::ToHex() const { return HexEncode(std::as_bytes(std::span(bytes))); }

struct Hasher::State {
  Sha256 sha256;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::Update(std::span<const std::byte> data) { state_->sha256.Update(data); }

Digest Hasher::Finish() { return Digest{state_->sha256.Finish()}; }

Digest DigestOf(std::span<const std::byte> data) {
  return DigestOf(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()));
}

Digest DigestOf(std::string_view data) { return Digest{Sha256Of(data)}; }

}  // namespace godwit
