#include "protocol/model_address.h"

#include <algorithm>
#include <charconv>

namespace godwit {
namespace {

constexpr size_t kNameMax = 32;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsNameCharacter(char c) {
  return IsDigit(c) || IsLower(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

Status Malformed(std::string_view text, std::string_view reason) {
  return Status(StatusCode::kInvalidArgument, "'" + std::string(text.substr(0, 80)) +
                                                  "' is no model address: " + std::string(reason) +
                                                  "; write 'face', 'face@7' or 'face@stable'");
}

}  // namespace

bool IsModelName(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::all_of(text.begin(), text.end(), IsNameCharacter);
}

bool IsAlias(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax && IsLower(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLower(c) || IsDigit(c) || c == '_' || c == '-'; });
}

bool IsProjectId(std::string_view text) {
  return text.size() >= 6 && text.size() <= 30 && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLower(c) || IsDigit(c) || c == '-';
         });
}

Result<ModelAddress> ModelAddress::Parse(std::string_view text) {
  const size_t at = text.find('@');
  ModelAddress address;
  address.name = std::string(text.substr(0, at));
  if (!IsModelName(address.name)) {
    return Malformed(text, "a name is 1 to 32 letters, digits, '_' or '-'");
  }
  if (at == text.npos) return address;
  const std::string_view which = text.substr(at + 1);
  if (IsAlias(which)) {
    address.alias = std::string(which);
    return address;
  }
  const auto [rest, error] =
      std::from_chars(which.data(), which.data() + which.size(), address.version);
  if (error != std::errc() || rest != which.data() + which.size() || which.front() == '0' ||
      address.version < 1) {
    return Malformed(text, "after '@' comes a version from 1, or an alias");
  }
  return address;
}

std::string ModelAddress::ToString() const {
  if (version != 0) return name + "@" + std::to_string(version);
  return alias.empty() ? name : name + "@" + alias;
}

}  // namespace godwit
