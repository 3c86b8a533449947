#include "cli/device_client.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "cli/progress.h"
#include "cli/text_format.h"

namespace godwit::cli {
namespace {

constexpr int64_t kPollMs = 50;

}  // namespace

void NoteLogger::Log(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  if (level < LogLevel::kWarning) return;
  std::string line = "godwit: warning: " + std::string(message);
  for (const LogField& field : fields) {
    line += " " + std::string(field.name) + "=" + std::string(field.value);
  }
  line += "\n";
  // One call, so that lines of several threads do not mix.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Result<std::unique_ptr<Client>> OpenDeviceClient(Context& context,
                                                 const DeviceClientOptions& options,
                                                 Logger& logger) {
  GODWIT_ASSIGN_OR_RETURN(const AppSettings app, context.settings.App());
  ClientOptions client_options;
  client_options.server_url = app.url;
  client_options.project_id = app.project_id;
  client_options.app_id = app.app_id;
  client_options.api_key = app.api_key;
  client_options.directory =
      options.store.empty() ? context.settings.store_folder() : options.store;
  client_options.receive_limit_bytes_per_s = options.limit_rate_bytes_per_s;
  return Client::Open(client_options, {context.fs, context.http, context.clock, logger});
}

Result<Model> GetWithProgress(Context& context, Client& client, const std::string& address,
                              DownloadType type) {
  const std::unique_ptr<ModelRequest> request = client.StartGetModel(address, type);
  std::optional<ProgressBar> bar;
  while (true) {
    auto model = request->Wait(kPollMs);
    if (request->finished()) return model;
    const Progress progress = request->progress();
    if (progress.bytes_total == 0) continue;
    if (!bar) {
      bar.emplace(context.console, context.clock, "get " + address, progress.bytes_done);
    }
    bar->Update(progress.bytes_done, progress.bytes_total);
  }
}

}  // namespace godwit::cli
