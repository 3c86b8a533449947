// The commands on which device gets which version: options, and what runs them.
#pragma once

#include <string>

#include "cli/commands.h"

namespace godwit::cli {

struct RevokeOptions {
  std::string address;  // NAME@VERSION.
  std::string reason;
};
Status RunModelRevoke(Context& context, const RevokeOptions& options);
Status RunModelUnrevoke(Context& context, const RevokeOptions& options);

struct TestDeviceOptions {
  std::string installation;
  std::string address;  // NAME@VERSION to add, else NAME.
  std::string note;
};
Status RunTestDeviceAdd(Context& context, const TestDeviceOptions& options);
Status RunTestDeviceList(Context& context, const TestDeviceOptions& options);
Status RunTestDeviceRemove(Context& context, const TestDeviceOptions& options);

struct ExplainOptions {
  std::string address;
  std::string installation;  // Empty: a device that tells none.
};
Status RunExplain(Context& context, const ExplainOptions& options);

}  // namespace godwit::cli
