#include "device/context.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#ifdef __ANDROID__
#include <sys/system_properties.h>
#elif defined(__APPLE__)
#include <TargetConditionals.h>
#endif

namespace godwit {
namespace {

constexpr uint64_t kNameFileMaxBytes = 4096;

#ifdef __ANDROID__
constexpr std::string_view kOs = "android";

std::string OsVersion() {
  char value[PROP_VALUE_MAX] = "";
  __system_property_get("ro.build.version.release", value);
  return value;
}

std::string DeviceName(FileSystem&) {
  char value[PROP_VALUE_MAX] = "";
  __system_property_get("ro.product.model", value);
  return value;
}
#else
#if defined(__APPLE__) && TARGET_OS_IOS
constexpr std::string_view kOs = "ios";
#elif defined(__APPLE__)
constexpr std::string_view kOs = "macos";
#else
constexpr std::string_view kOs = "linux";
#endif

std::string OsVersion() {
  utsname names;
  return uname(&names) == 0 ? names.release : "";
}

// "Raspberry Pi 4 Model B Rev 1.4" from the device tree, or what the maker wrote into the firmware.
std::string DeviceName(FileSystem& fs) {
  for (const char* path : {"/proc/device-tree/model", "/sys/class/dmi/id/product_name"}) {
    auto name = ReadWholeFile(fs, path, kNameFileMaxBytes);
    if (!name.ok()) continue;
    name->resize(std::min(name->size(), name->find_first_of(std::string_view("\0\n", 2))));
    if (!name->empty()) return *std::move(name);
  }
  return "";
}
#endif

// "de-DE" from the environment's "de_DE.UTF-8"; empty when it says nothing.
std::string Locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string locale = value;
    locale.resize(std::min(locale.size(), locale.find_first_of(".@")));
    std::replace(locale.begin(), locale.end(), '_', '-');
    return locale == "C" || locale == "POSIX" ? "" : locale;
  }
  return "";
}

}  // namespace

DeviceContext DescribeDevice(FileSystem& fs) {
  DeviceContext context;
  // A value that does not fit the header is none: Set then changes nothing.
  static_cast<void>(context.Set(kContextOs, kOs));
  static_cast<void>(context.Set(kContextOsVersion, OsVersion()));
  static_cast<void>(context.Set(kContextDevice, DeviceName(fs)));
  static_cast<void>(context.Set(kContextLocale, Locale()));
  return context;
}

DeviceContext& ContextSource::Context() {
  if (!context_) {
    context_ = DescribeDevice(fs_);
    static_cast<void>(context_->Set(kContextAppVersion, app_version_));
    static_cast<void>(context_->Set(kContextSdkVersion, sdk_version_));
  }
  return *context_;
}

Status ContextSource::Set(std::string_view key, std::string_view value) {
  const std::lock_guard lock(mutex_);
  return Context().Set(key, value);
}

std::string ContextSource::Header() {
  const std::lock_guard lock(mutex_);
  return Context().Serialize();
}

}  // namespace godwit
