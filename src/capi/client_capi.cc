// The C face of device/client.h. Here the real disk, network and clock are made.
#include <algorithm>

#include "capi/app_gate.h"
#include "capi/callback_platform.h"
#include "capi/handles.h"
#include "device/downloader.h"

namespace godwit::capi {
namespace {

Status Missing(const char* what) {
  return Status(StatusCode::kInvalidArgument,
                std::string(what) + " is NULL, so nothing was done; pass one");
}

std::string TextOrEmpty(const char* text) { return text == nullptr ? "" : text; }

Result<DownloadConditions> ReadConditions(const godwit_download_conditions* conditions) {
  DownloadConditions read;
  if (conditions == nullptr) return read;
  if (conditions->version != GODWIT_DOWNLOAD_CONDITIONS_VERSION) {
    return Status(StatusCode::kInvalidArgument,
                  "the conditions' version is unknown, so nothing was done; start from "
                  "GODWIT_DOWNLOAD_CONDITIONS_INIT and the headers of this library");
  }
  read.wifi_required = conditions->wifi_required != 0;
  read.unmetered_required = conditions->unmetered_required != 0;
  read.charging_required = conditions->charging_required != 0;
  read.idle_required = conditions->idle_required != 0;
  read.wait_ms = conditions->wait_ms == GODWIT_WAIT_FOREVER ? kWaitForever : conditions->wait_ms;
  return read;
}

Result<DownloadType> ReadType(godwit_download_type type) {
  switch (type) {
    case GODWIT_LOCAL_MODEL:
      return DownloadType::kLocalModel;
    case GODWIT_LOCAL_MODEL_UPDATE_IN_BACKGROUND:
      return DownloadType::kLocalModelUpdateInBackground;
    case GODWIT_LATEST_MODEL:
      return DownloadType::kLatestModel;
  }
  return Status(StatusCode::kInvalidArgument,
                "the download type is none of the three, so nothing was done");
}

Result<std::unique_ptr<ModelRequest>> Start(godwit_client* client, const char* address,
                                            godwit_download_type type,
                                            const godwit_download_conditions* conditions) {
  if (client == nullptr) return Missing("client");
  if (address == nullptr) return Missing("address");
  GODWIT_ASSIGN_OR_RETURN(const DownloadType read_type, ReadType(type));
  GODWIT_ASSIGN_OR_RETURN(const DownloadConditions read_conditions, ReadConditions(conditions));
  return client->client->StartGetModel(address, read_type, read_conditions);
}

godwit_status GiveModel(const Result<Model>& model, godwit_model** out, godwit_error* error) {
  if (!model.ok()) return Report(model.status(), error);
  if (out != nullptr) *out = new godwit_model{*model};
  return Report(Status::Ok(), error);
}

Status ReadDownloadOptions(const godwit_client_options& options, ClientOptions& read) {
  read.free_disk_reserve_bytes = options.free_disk_reserve_bytes;
  read.daily_bytes_max = options.daily_bytes_max;
  read.check_interval_s = options.check_interval_s;
  if (options.parallel_downloads != 0) {
    read.parallel_downloads =
        static_cast<int>(std::min<uint32_t>(options.parallel_downloads, 1000));
  }
  GODWIT_ASSIGN_OR_RETURN(read.check_conditions, ReadConditions(options.check_conditions));
  if (options.platform != nullptr && (options.platform->version != GODWIT_PLATFORM_VERSION ||
                                      options.platform->state == nullptr)) {
    return Status(StatusCode::kInvalidArgument,
                  "the platform's version is unknown or its state callback is NULL, so the client "
                  "was not opened; start from GODWIT_PLATFORM_INIT");
  }
  return Status::Ok();
}

constexpr uint32_t kPinsMax = 16;
constexpr uint32_t kFallbackUrlsMax = 8;

Result<std::vector<std::string>> ReadTexts(const char* what, const char* const* texts,
                                           uint32_t count, uint32_t count_max) {
  std::vector<std::string> read;
  if (count > count_max || (texts == nullptr && count > 0)) {
    return Status(StatusCode::kInvalidArgument,
                  std::string("option ") + what + " is NULL or has more than " +
                      std::to_string(count_max) + " entries, so the client was not opened");
  }
  for (uint32_t i = 0; i < count; ++i) read.push_back(TextOrEmpty(texts[i]));
  return read;
}

Result<CurlHttpClientOptions> ReadHttpOptions(const godwit_client_options& options) {
  CurlHttpClientOptions read;
  read.user_agent = std::string("godwit/") + godwit_version();
  read.ca_file = TextOrEmpty(options.ca_file);
  if (options.proxy_url != nullptr) {
    GODWIT_RETURN_IF_ERROR(CheckProxyUrl(options.proxy_url).WithContext("option proxy_url"));
    read.proxy_url = options.proxy_url;
  }
  GODWIT_ASSIGN_OR_RETURN(read.pins, ReadTexts("pins", options.pins, options.pin_count, kPinsMax));
  for (const std::string& pin : read.pins) {
    GODWIT_RETURN_IF_ERROR(CheckPin(pin).WithContext("option pins"));
  }
  if (!read.pins.empty() && TextOrEmpty(options.server_url).starts_with("http://")) {
    return Status(StatusCode::kInvalidArgument,
                  "option pins: server_url is plain http, where no key is shown, so the client was "
                  "not opened; give its https address");
  }
  return read;
}

Status OpenClient(const godwit_client_options* options, godwit_client** out) {
  if (options == nullptr) return Missing("options");
  if (options->version != GODWIT_CLIENT_OPTIONS_VERSION) {
    return Status(StatusCode::kInvalidArgument,
                  "the options' version is unknown, so the client was not opened; start from "
                  "GODWIT_CLIENT_OPTIONS_INIT and the headers of this library");
  }
  ClientOptions read;
  read.server_url = TextOrEmpty(options->server_url);
  read.project_id = TextOrEmpty(options->project_id);
  read.app_id = TextOrEmpty(options->app_id);
  read.api_key = TextOrEmpty(options->api_key);
  read.directory = TextOrEmpty(options->directory);
  read.receive_limit_bytes_per_s = options->receive_limit_bytes_per_s;
  read.events_consent = options->events_consent != 0;
  read.app_version = TextOrEmpty(options->app_version);
  read.store_bytes_max = options->store_bytes_max;
  read.seed_directory = TextOrEmpty(options->seed_directory);
  if (options->stall_timeout_ms != 0) read.stall_timeout_ms = options->stall_timeout_ms;
  if (options->stall_bytes_per_s != 0) read.stall_bytes_per_s = options->stall_bytes_per_s;
  GODWIT_ASSIGN_OR_RETURN(read.fallback_urls,
                          ReadTexts("fallback_urls", options->fallback_urls,
                                    options->fallback_url_count, kFallbackUrlsMax));
  GODWIT_ASSIGN_OR_RETURN(const CurlHttpClientOptions http_options, ReadHttpOptions(*options));
  GODWIT_RETURN_IF_ERROR(ReadDownloadOptions(*options, read));

  auto client = std::make_unique<godwit_client>();
  client->file_system = NewPosixFileSystem();
  client->http = NewCurlHttpClient(http_options);
  client->clock = NewSystemClock();
  client->logger = std::make_unique<CallbackLogger>(options->on_log, options->log_user_data);
  client->gate =
      std::make_unique<AppGate>(*client->file_system, options->gate, options->gate_user_data);
  if (options->platform != nullptr) {
    client->platform = std::make_unique<CallbackPlatform>(*options->platform);
  } else {
    client->platform = NewSystemPlatform();
  }
  GODWIT_ASSIGN_OR_RETURN(
      client->client,
      Client::Open(read, {*client->file_system, *client->http, *client->clock, *client->logger,
                          client->gate.get(), client->platform.get()}));
  *out = client.release();
  return Status::Ok();
}

}  // namespace

void CallbackLogger::Log(LogLevel level, std::string_view message,
                         std::initializer_list<LogField> fields) {
  if (callback_ == nullptr) return;
  std::string line(message);
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=").append(field.value);
  }
  char* const copy = CopyText(line);
  if (copy != nullptr) callback_(static_cast<godwit_log_level>(level), copy, user_data_);
}

}  // namespace godwit::capi

using godwit::Status;
using godwit::capi::Missing;
using godwit::capi::Report;

godwit_status godwit_client_open(const godwit_client_options* options, godwit_client** out,
                                 godwit_error* error) {
  if (out == nullptr) return Report(Missing("out"), error);
  *out = nullptr;
  return Report(godwit::capi::OpenClient(options, out), error);
}

void godwit_client_close(godwit_client* client) { delete client; }

void godwit_client_set_device_state(godwit_client* client, const godwit_device_state* state) {
  client->client->SetDeviceState(godwit::capi::ReadDeviceState(*state));
}

void godwit_client_platform_changed(godwit_client* client) { client->client->PlatformChanged(); }

godwit_status godwit_client_finish_updates(godwit_client* client, uint32_t* count,
                                           godwit_error* error) {
  if (count != nullptr) *count = 0;
  if (client == nullptr) return Report(Missing("client"), error);
  const auto updates = client->client->FinishUpdates();
  if (updates.ok() && count != nullptr) *count = static_cast<uint32_t>(*updates);
  return Report(updates.status(), error);
}

godwit_status godwit_client_set_context(godwit_client* client, const char* key, const char* value,
                                        godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  if (key == nullptr) return Report(Missing("key"), error);
  return Report(client->client->SetContext(key, godwit::capi::TextOrEmpty(value)), error);
}

godwit_status godwit_client_get_model(godwit_client* client, const char* address,
                                      godwit_download_type type,
                                      const godwit_download_conditions* conditions,
                                      godwit_model** out, godwit_error* error) {
  if (out == nullptr) return Report(Missing("out"), error);
  *out = nullptr;
  const auto request = godwit::capi::Start(client, address, type, conditions);
  if (!request.ok()) return Report(request.status(), error);
  return godwit::capi::GiveModel((*request)->Wait(), out, error);
}

godwit_status godwit_client_start_get_model(godwit_client* client, const char* address,
                                            godwit_download_type type,
                                            const godwit_download_conditions* conditions,
                                            godwit_request** out, godwit_error* error) {
  if (out == nullptr) return Report(Missing("out"), error);
  *out = nullptr;
  auto request = godwit::capi::Start(client, address, type, conditions);
  if (!request.ok()) return Report(request.status(), error);
  *out = new godwit_request{*std::move(request)};
  return Report(Status::Ok(), error);
}

godwit_status godwit_request_wait(godwit_request* request, uint32_t timeout_ms, godwit_model** out,
                                  godwit_error* error) {
  if (out != nullptr) *out = nullptr;
  if (request == nullptr) return Report(Missing("request"), error);
  const int64_t wait_ms =
      timeout_ms == GODWIT_WAIT_FOREVER ? godwit::ModelRequest::kForever : int64_t{timeout_ms};
  return godwit::capi::GiveModel(request->request->Wait(wait_ms), out, error);
}

void godwit_request_cancel(godwit_request* request) { request->request->Cancel(); }

int godwit_request_is_finished(const godwit_request* request) {
  return request->request->finished() ? 1 : 0;
}

void godwit_request_progress(const godwit_request* request, uint64_t* bytes_done,
                             uint64_t* bytes_total) {
  const godwit::Progress progress = request->request->progress();
  if (bytes_done != nullptr) *bytes_done = progress.bytes_done;
  if (bytes_total != nullptr) *bytes_total = progress.bytes_total;
}

void godwit_request_close(godwit_request* request) { delete request; }

godwit_status godwit_client_check_model(godwit_client* client, const char* address,
                                        godwit_model_info* info, godwit_error* error) {
  if (info == nullptr) return Report(Missing("info"), error);
  if (info->version != GODWIT_MODEL_INFO_VERSION) {
    return Report(Status(godwit::StatusCode::kInvalidArgument,
                         "the info's version is unknown, so nothing was done; start from "
                         "GODWIT_MODEL_INFO_INIT and the headers of this library"),
                  error);
  }
  *info = GODWIT_MODEL_INFO_INIT;
  if (client == nullptr) return Report(Missing("client"), error);
  if (address == nullptr) return Report(Missing("address"), error);
  const auto offer = client->client->CheckModel(address);
  if (!offer.ok()) return Report(offer.status(), error);
  info->model_version = offer->version.value_or(0);
  offer->hash.copy(info->hash, sizeof info->hash - 1);
  info->size_bytes = offer->size_bytes;
  info->bytes_needed = offer->bytes_needed;
  info->is_local = offer->is_local ? 1 : 0;
  return Report(Status::Ok(), error);
}

godwit_status godwit_client_list_models(godwit_client* client, godwit_model_list** out,
                                        godwit_error* error) {
  if (out == nullptr) return Report(Missing("out"), error);
  *out = nullptr;
  if (client == nullptr) return Report(Missing("client"), error);
  auto models = client->client->ListDownloadedModels();
  if (!models.ok()) return Report(models.status(), error);
  auto list = std::make_unique<godwit_model_list>();
  for (godwit::Model& model : *models) list->models.push_back({std::move(model)});
  *out = list.release();
  return Report(Status::Ok(), error);
}

godwit_status godwit_client_delete_model(godwit_client* client, const char* address,
                                         godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  if (address == nullptr) return Report(Missing("address"), error);
  return Report(client->client->DeleteDownloadedModel(address), error);
}

godwit_status godwit_client_pin_model(godwit_client* client, const char* address, int pinned,
                                      godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  if (address == nullptr) return Report(Missing("address"), error);
  return Report(client->client->PinModel(address, pinned != 0), error);
}

godwit_status godwit_client_verify(godwit_client* client, uint32_t* whole, uint32_t* dropped,
                                   godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  const auto check = client->client->VerifyStore();
  if (!check.ok()) return Report(check.status(), error);
  if (whole != nullptr) *whole = static_cast<uint32_t>(check->whole.size());
  if (dropped != nullptr) *dropped = static_cast<uint32_t>(check->dropped.size());
  return Report(Status::Ok(), error);
}

godwit_status godwit_client_installation_id(godwit_client* client, char** out,
                                            godwit_error* error) {
  if (out == nullptr) return Report(Missing("out"), error);
  *out = nullptr;
  if (client == nullptr) return Report(Missing("client"), error);
  const auto id = client->client->InstallationId();
  if (!id.ok()) return Report(id.status(), error);
  *out = godwit::capi::CopyText(*id);
  return Report(Status::Ok(), error);
}

godwit_status godwit_model_load_begin(godwit_client* client, const godwit_model* model,
                                      godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  if (model == nullptr) return Report(Missing("model"), error);
  return Report(client->client->BeginLoad(model->model), error);
}

void godwit_model_load_end(godwit_client* client, const godwit_model* model) {
  client->client->EndLoad(model->model);
}

godwit_status godwit_client_set_events_consent(godwit_client* client, int consent,
                                               godwit_error* error) {
  if (client == nullptr) return Report(Missing("client"), error);
  return Report(client->client->SetEventsConsent(consent != 0), error);
}

void godwit_client_wait_until_idle(godwit_client* client) {
  client->client->WaitForBackgroundWork();
}

const char* godwit_version(void) { return GODWIT_VERSION; }
