#include <array>

#include "crypto/crypto.h"

namespace godwit {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNone = 0xff;

using Reverse = std::array<uint8_t, 256>;

constexpr Reverse Reversed(std::string_view alphabet) {
  Reverse reverse{};
  for (auto& value : reverse) value = kNone;
  for (size_t i = 0; i < alphabet.size(); ++i) {
    reverse[static_cast<unsigned char>(alphabet[i])] = static_cast<uint8_t>(i);
  }
  return reverse;
}

constexpr Reverse kStandardReverse = Reversed(kStandard);
constexpr Reverse kUrlSafeReverse = Reversed(kUrlSafe);

enum class Padding { kWritten, kNone };

std::string Encode(std::span<const std::byte> data, std::string_view alphabet, Padding padding) {
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    const size_t left = data.size() - i;
    uint32_t group = std::to_integer<uint32_t>(data[i]) << 16;
    if (left > 1) group |= std::to_integer<uint32_t>(data[i + 1]) << 8;
    if (left > 2) group |= std::to_integer<uint32_t>(data[i + 2]);
    text += alphabet[group >> 18];
    text += alphabet[group >> 12 & 63];
    if (left > 1) text += alphabet[group >> 6 & 63];
    if (left > 2) text += alphabet[group & 63];
  }
  if (padding == Padding::kWritten) text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

constexpr size_t DecodedSize(size_t digits) { return digits / 4 * 3 + digits % 4 * 3 / 4; }

// Decodes digits without padding. Bits that encode nothing must be zero, so that one value has
// one spelling.
std::optional<size_t> Decode(std::string_view digits, const Reverse& reverse,
                             std::span<std::byte> out) {
  const size_t size = DecodedSize(digits.size());
  if (digits.size() % 4 == 1 || size > out.size()) return std::nullopt;
  uint8_t seen = 0;  // All values or-ed: only kNone has the two top bits.
  const auto value = [&](size_t i) -> uint32_t {
    const uint8_t found = reverse[static_cast<unsigned char>(digits[i])];
    seen |= found;
    return found;
  };
  const size_t whole = digits.size() / 4 * 4;
  size_t done = 0;
  for (size_t i = 0; i < whole; i += 4) {
    const uint32_t group = value(i) << 18 | value(i + 1) << 12 | value(i + 2) << 6 | value(i + 3);
    out[done++] = static_cast<std::byte>(group >> 16 & 0xff);
    out[done++] = static_cast<std::byte>(group >> 8 & 0xff);
    out[done++] = static_cast<std::byte>(group & 0xff);
  }
  if (whole < digits.size()) {  // Two or three digits are left, for one or two bytes.
    const bool three = digits.size() - whole == 3;
    const uint32_t group =
        value(whole) << 18 | value(whole + 1) << 12 | (three ? value(whole + 2) << 6 : 0);
    out[done++] = static_cast<std::byte>(group >> 16 & 0xff);
    if (three) out[done++] = static_cast<std::byte>(group >> 8 & 0xff);
    if ((group & (three ? 0xff : 0xffff)) != 0) return std::nullopt;
  }
  if ((seen & 0xc0) != 0) return std::nullopt;
  return size;
}

// Removes the padding of a text that has it; a wrong amount stays and fails as a wrong digit.
std::string_view WithoutPadding(std::string_view text) {
  if (text.size() % 4 != 0 || text.empty()) return text;
  if (text.ends_with("==")) return text.substr(0, text.size() - 2);
  if (text.ends_with('=')) return text.substr(0, text.size() - 1);
  return text;
}

Result<std::string> DecodeText(std::string_view digits, const Reverse& reverse) {
  std::string bytes(DecodedSize(digits.size()), '\0');
  if (!Decode(digits, reverse, std::as_writable_bytes(std::span(bytes)))) {
    return Status(StatusCode::kInvalidArgument, "not valid base64; encode the bytes again");
  }
  return bytes;
}

uint8_t HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<uint8_t>(digit - 'A' + 10);
  return kNone;
}

}  // namespace

std::string Base64Encode(std::span<const std::byte> data) {
  return Encode(data, kStandard, Padding::kWritten);
}

std::string Base64UrlEncode(std::span<const std::byte> data) {
  return Encode(data, kUrlSafe, Padding::kNone);
}

Result<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "base64 text must come in groups of four characters; it is cut or unpadded");
  }
  return DecodeText(WithoutPadding(text), kStandardReverse);
}

Result<std::string> Base64UrlDecode(std::string_view text) {
  return DecodeText(WithoutPadding(text), kUrlSafeReverse);
}

std::optional<size_t> Base64UrlDecodeTo(std::string_view text, std::span<std::byte> out) {
  return Decode(text, kUrlSafeReverse, out);
}

std::string HexEncode(std::span<const std::byte> data) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(data.size() * 2);
  for (const std::byte byte : data) {
    text += kDigits[std::to_integer<size_t>(byte) >> 4];
    text += kDigits[std::to_integer<size_t>(byte) & 15];
  }
  return text;
}

Result<std::string> HexDecode(std::string_view text) {
  const Status wrong(StatusCode::kInvalidArgument,
                     "not hexadecimal; it must be pairs of the digits 0-9 and a-f");
  if (text.size() % 2 != 0) return wrong;
  std::string bytes(text.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t high = HexValue(text[2 * i]);
    const uint8_t low = HexValue(text[2 * i + 1]);
    if (high == kNone || low == kNone) return wrong;
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace godwit
