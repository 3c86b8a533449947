// The device SDK as the command line uses it: with a store, a progress bar and a log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "device/client.h"

namespace godwit::cli {

// Shows an SDK's warnings and errors to a person. Thread-safe.
class NoteLogger final : public Logger {
 public:
  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override;
};

struct DeviceClientOptions {
  std::string store;  // Empty: the default one.
  uint64_t limit_rate_bytes_per_s = 0;
};

// logger must outlive the client.
Result<std::unique_ptr<Client>> OpenDeviceClient(Context& context,
                                                 const DeviceClientOptions& options,
                                                 Logger& logger);

// Blocks until the model is there; shows how far the download is, and where it resumes.
Result<Model> GetWithProgress(Context& context, Client& client, const std::string& address,
                              DownloadType type);

}  // namespace godwit::cli
