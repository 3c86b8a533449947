#include "digest/digest.h"

#include "crypto/crypto.h"

namespace godwit {

Result<Digest> Digest::Parse(std::string_view hex) {
  const bool lower = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (hex.size() != 64 || !lower) {
    return Status(StatusCode::kInvalidArgument,
                  "a SHA-256 is written as exactly 64 lower-case hexadecimal digits");
  }
  GODWIT_ASSIGN_OR_RETURN(const std::string bytes, HexDecode(hex));
  Digest digest;
  for (size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<uint8_t>(bytes[i]);
  }
  return digest;
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
