#include "protocol/device_context.h"

#include <algorithm>

#include "base/utf8.h"

namespace godwit {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

Status Malformed(std::string_view reason) {
  return Status(StatusCode::kInvalidArgument,
                std::string(kContextHeader) + ": " + std::string(reason));
}

bool IsLowerCase(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= kContextKeyMaxBytes && IsLowerCase(key.front()) &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return IsLowerCase(c) || IsDigit(c) || c == '_'; });
}

bool IsUnreserved(char c) {
  return IsLowerCase(c) || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string Encode(std::string_view value) {
  std::string encoded;
  for (const char c : value) {
    if (IsUnreserved(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]});
    }
  }
  return encoded;
}

// -1 when it is none.
int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Result<std::string> Decode(std::string_view encoded) {
  std::string value;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (IsUnreserved(encoded[i])) {
      value += encoded[i];
      continue;
    }
    const bool whole = encoded[i] == '%' && encoded.size() - i >= 3;
    const int high = whole ? HexDigit(encoded[i + 1]) : -1;
    const int low = whole ? HexDigit(encoded[i + 2]) : -1;
    if (high < 0 || low < 0) return Malformed("a value has a character that is not encoded");
    value += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return value;
}

Status CheckField(std::string_view key, std::string_view value) {
  if (!IsKey(key)) {
    return Malformed("a key is 1 to 32 of a-z, 0-9 and '_', and begins with a letter");
  }
  if (value.size() > kContextValueMaxBytes || !IsPrintableUtf8(value)) {
    return Malformed("the value of " + std::string(key) + " is not printable UTF-8 of at most " +
                     std::to_string(kContextValueMaxBytes) + " bytes");
  }
  return Status::Ok();
}

}  // namespace

Result<DeviceContext> DeviceContext::Parse(std::string_view header) {
  DeviceContext context;
  if (header.size() > kContextMaxBytes) return Malformed("it is too long");
  while (!header.empty()) {
    const std::string_view field = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(header.size(), field.size() + 1));
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) return Malformed("a field has no '='");
    const std::string_view key = field.substr(0, equals);
    GODWIT_ASSIGN_OR_RETURN(const std::string value, Decode(field.substr(equals + 1)));
    if (context.Find(key) != nullptr) return Malformed("a key comes twice");
    GODWIT_RETURN_IF_ERROR(context.Set(key, value));
  }
  return context;
}

Status DeviceContext::Set(std::string_view key, std::string_view value) {
  GODWIT_RETURN_IF_ERROR(CheckField(key, value));
  DeviceContext changed = *this;
  const auto place = std::find_if(changed.fields_.begin(), changed.fields_.end(),
                                  [&](const Field& field) { return field.key >= key; });
  const bool known = place != changed.fields_.end() && place->key == key;
  if (value.empty()) {
    if (known) changed.fields_.erase(place);
  } else if (known) {
    place->value = value;
  } else {
    changed.fields_.insert(place, {std::string(key), std::string(value)});
  }
  if (changed.fields_.size() > kContextFieldsMax || changed.Serialize().size() > kContextMaxBytes) {
    return Status(StatusCode::kResourceExhausted,
                  "the context with " + std::string(key) + " would have more than " +
                      std::to_string(kContextFieldsMax) + " fields or " +
                      std::to_string(kContextMaxBytes) +
                      " bytes, so nothing was changed; remove a field or shorten a value");
  }
  *this = std::move(changed);
  return Status::Ok();
}

const std::string* DeviceContext::Find(std::string_view key) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& field) { return field.key == key; });
  return found == fields_.end() ? nullptr : &found->value;
}

std::string DeviceContext::Serialize() const {
  std::string text;
  for (const Field& field : fields_) {
    if (!text.empty()) text += ';';
    text.append(field.key).append("=").append(Encode(field.value));
  }
  return text;
}

}  // namespace godwit
