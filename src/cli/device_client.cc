#include "cli/device_client.h"

#include <charconv>
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
  Line line{"warning: " + std::string(message), ""};
  for (const LogField& field : fields) {
    line.text += "; " + std::string(field.name) + ": " + std::string(field.value);
    if (field.name == "cause") line.cause = field.value;
  }
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

void NoteLogger::Show(const Status& reported) {
  const std::lock_guard lock(mutex_);
  for (const Line& line : lines_) {
    if (!line.cause.empty() && reported.message().ends_with(line.cause)) continue;
    console_.Note(console_.StyledNote(Style::kYellow, "godwit:") + " " + Printable(line.text));
  }
  lines_.clear();
}

Result<HttpResponse> ResumeWatch::Send(const HttpRequest& request, HttpSink* sink,
                                       const std::atomic<bool>* cancelled) {
  constexpr std::string_view kPrefix = "bytes=";
  const auto range = FindHeader(request.headers, "Range");
  if (range && range->starts_with(kPrefix)) {
    uint64_t first = 0;
    std::from_chars(range->data() + kPrefix.size(), range->data() + range->size(), first);
    resumed_at_ = first;
  }
  return http_.Send(request, sink, cancelled);
}

Result<std::unique_ptr<DeviceClient>> DeviceClient::Open(Context& context,
                                                         const DeviceClientOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const AppSettings app, context.settings.App());
  ClientOptions client_options;
  client_options.server_url = app.url;
  client_options.project_id = app.project_id;
  client_options.app_id = app.app_id;
  client_options.api_key = app.api_key;
  client_options.directory =
      options.store.empty() ? context.settings.store_folder() : options.store;
  client_options.receive_limit_bytes_per_s = options.limit_rate_bytes_per_s;
  client_options.events_consent = options.events_consent;
  std::unique_ptr<DeviceClient> device(new DeviceClient(context));
  GODWIT_ASSIGN_OR_RETURN(
      device->client_,
      Client::Open(client_options, {context.fs, device->watch_, context.clock, device->logger_,
                                    options.gate ? &device->gate_ : nullptr, &context.platform}));
  return device;
}

void DeviceClient::NoteResume(uint64_t total_bytes) {
  const uint64_t resumed_at = watch_.TakeResumedAt();
  if (resumed_at == 0) return;
  context_.console.Note("resuming at " + FormatBytes(resumed_at) +
                        (total_bytes == 0 ? "" : " of " + FormatBytes(total_bytes)));
}

Result<Model> DeviceClient::Get(const std::string& address, DownloadType type,
                                const DownloadConditions& conditions) {
  const std::unique_ptr<ModelRequest> request = client_->StartGetModel(address, type, conditions);
  std::string shown;
  std::optional<ProgressBar> bar;
  while (true) {
    auto model = request->Wait(kPollMs);
    const Progress progress = request->progress();
    NoteResume(progress.bytes_total);
    if (request->finished()) {
      bar.reset();
      model = request->Wait();
      logger_.Show(model.status());
      return model;
    }
    const RequestStatus status = request->status();
    if (conditions.any_required() && status.state == RequestState::kWaiting &&
        status.reason != shown) {
      shown = status.reason;
      bar.reset();
      context_.console.Note(shown);
    }
    if (progress.bytes_total == 0 || status.state != RequestState::kDownloading) continue;
    if (!bar) bar.emplace(context_.console, context_.clock, "get " + address, progress.bytes_done);
    bar->Update(progress.bytes_done, progress.bytes_total);
  }
}

void DeviceClient::FinishUpdate(const Model& model) {
  client_->WaitForBackgroundWork();
  NoteResume(0);
  logger_.Show();
  const auto now = client_->GetModel(model.name, DownloadType::kLocalModel);
  if (now.ok() && now->hash != model.hash) {
    context_.console.Note("a newer version arrived meanwhile; the next get returns it");
  }
}

}  // namespace godwit::cli
