// ContextSource: what this device tells of itself with every question for a model.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "fs/file_system.h"
#include "protocol/device_context.h"

namespace godwit {

// The device as the operating system describes it: os, os_version, device and locale; what it
// does not tell is left out. Reads one or two small files on Linux.
DeviceContext DescribeDevice(FileSystem& fs);

// Thread-safe. Describes the device when it is first asked, not before: a model that is in the
// store already needs none of it.
class ContextSource {
 public:
  // fs is borrowed. app_version may be empty; what is not fit for the header is left out.
  ContextSource(FileSystem& fs, std::string app_version, std::string sdk_version)
      : fs_(fs), app_version_(std::move(app_version)), sdk_version_(std::move(sdk_version)) {}

  // A field of the app's own, or one of ours that the app knows better; empty removes it. Errors
  // as DeviceContext::Set.
  Status Set(std::string_view key, std::string_view value);

  // The value of kContextHeader; never empty.
  std::string Header();

 private:
  DeviceContext& Context();  // REQUIRES: mutex_ is held.

  FileSystem& fs_;
  const std::string app_version_;
  const std::string sdk_version_;
  std::mutex mutex_;
  std::optional<DeviceContext> context_;
};

}  // namespace godwit
