#include "server/registry/model.h"

#include <algorithm>
#include <cassert>

namespace godwit::server {

const Version* Model::FindVersion(int64_t number) const {
  const auto found = std::lower_bound(
      versions.begin(), versions.end(), number,
      [](const Version& version, int64_t wanted) { return version.number < wanted; });
  return found != versions.end() && found->number == number ? &*found : nullptr;
}

const Alias* Model::FindAlias(std::string_view name) const {
  const auto found = std::lower_bound(
      aliases.begin(), aliases.end(), name,
      [](const Alias& alias, std::string_view wanted) { return alias.name < wanted; });
  return found != aliases.end() && found->name == name ? &*found : nullptr;
}

const TestDevice* Model::FindTestDevice(std::string_view fid) const {
  const auto found = std::lower_bound(
      test_devices.begin(), test_devices.end(), fid,
      [](const TestDevice& device, std::string_view wanted) { return device.fid < wanted; });
  return found != test_devices.end() && found->fid == fid ? &*found : nullptr;
}

const Version* Model::FindRevoked(const Digest& digest) const {
  const auto found = std::find_if(versions.begin(), versions.end(), [&](const Version& version) {
    return version.revocation != nullptr && version.digest == digest;
  });
  return found != versions.end() ? &*found : nullptr;
}

const Version* Model::NewestUsable(int64_t number) const {
  const Version* version = FindVersion(number);
  assert(version != nullptr);
  while (FindRevoked(version->digest) != nullptr) {
    if (version == versions.data()) return nullptr;
    --version;
  }
  return version;
}

bool Model::Needs(int64_t number) const {
  const Version* version = FindVersion(number);
  if (version != nullptr && version->revocation != nullptr) return true;
  if (number == latest || number == published || number == rollback_version) return true;
  if (published != 0) {
    const Version* served = NewestUsable(published);
    if (served != nullptr && served->number == number) return true;
  }
  return std::any_of(aliases.begin(), aliases.end(),
                     [&](const Alias& alias) { return alias.version == number; }) ||
         std::any_of(test_devices.begin(), test_devices.end(),
                     [&](const TestDevice& device) { return device.version == number; });
}

Status CheckNameOrTag(std::string_view what, std::string_view value) {
  constexpr size_t kNameMax = 32;
  const bool characters_ok = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!value.empty() && value.size() <= kNameMax && characters_ok) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                std::string(what) + " must be 1 to 32 letters, digits, '_' or '-'");
}

bool IsModelId(std::string_view text) {
  return !text.empty() && text.size() <= 19 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace godwit::server
