#include "device/client.h"

#include <algorithm>

#include "device/background_checks.h"
#include "device/context.h"
#include "device/data_budget.h"
#include "device/downloader.h"
#include "device/event_journal.h"
#include "device/event_reporter.h"
#include "device/installation.h"
#include "device/load_guard.h"
#include "device/model_store.h"
#include "device/pending_updates.h"
#include "device/servers.h"
#include "device/shared_downloads.h"
#include "device/transfer_scheduler.h"
#include "device/trials.h"

namespace godwit {
namespace {

constexpr std::string_view kSdkVersion = "godwit:0.1.0";
constexpr size_t kOptionMax = 256;
constexpr size_t kFallbacksMax = 8;
constexpr int kParallelDownloadsMax = 64;
constexpr int64_t kCheckIntervalMinS = 60;
constexpr int64_t kCheckIntervalMaxS = 366 * 86'400;

std::vector<Model> ToModels(const std::vector<LocalModel>& locals) {
  std::vector<Model> models;
  for (const LocalModel& local : locals) models.push_back(ToModel(local));
  return models;
}

Status WrongOption(std::string_view name, std::string_view reason) {
  return Status(StatusCode::kInvalidArgument,
                "option " + std::string(name) + " " + std::string(reason) +
                    ", so the client was not opened; `godwitd` writes the right values into "
                    "credentials/app.json");
}

// Visible ASCII without spaces: it goes into addresses and headers as it is.
Status CheckOption(std::string_view name, const std::string& value) {
  if (value.empty()) return WrongOption(name, "is missing");
  const bool visible =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible || value.size() > kOptionMax) {
    return WrongOption(name, "is too long or has characters that it must not have");
  }
  return Status::Ok();
}

// Takes the slashes off its end.
Status CheckServerUrl(std::string_view name, std::string& url) {
  while (url.ends_with('/')) url.pop_back();
  GODWIT_RETURN_IF_ERROR(CheckOption(name, url));
  const size_t scheme = url.find("://");
  if ((!url.starts_with("http://") && !url.starts_with("https://")) ||
      url.find_first_of("/?#", scheme + 3) != std::string::npos) {
    return WrongOption(name, "is not of the form https://models.example.org");
  }
  return Status::Ok();
}

Status CheckServers(ClientOptions& options) {
  GODWIT_RETURN_IF_ERROR(CheckServerUrl("server_url", options.server_url));
  if (options.fallback_urls.size() > kFallbacksMax) {
    return WrongOption("fallback_urls", "has more than 8 servers");
  }
  for (std::string& url : options.fallback_urls) {
    GODWIT_RETURN_IF_ERROR(CheckServerUrl("fallback_urls", url));
    if (options.server_url.starts_with("https://") && !url.starts_with("https://")) {
      return WrongOption("fallback_urls", "has an address of plain http beside one of https");
    }
  }
  return Status::Ok();
}

ServersOptions ServersOf(const ClientOptions& options) {
  ServersOptions servers;
  servers.urls = {options.server_url};
  servers.urls.insert(servers.urls.end(), options.fallback_urls.begin(),
                      options.fallback_urls.end());
  servers.stall_timeout_ms = options.stall_timeout_ms;
  servers.stall_bytes_per_s = options.stall_bytes_per_s;
  return servers;
}

Status CheckOptions(ClientOptions& options) {
  GODWIT_RETURN_IF_ERROR(CheckServers(options));
  GODWIT_RETURN_IF_ERROR(CheckOption("project_id", options.project_id));
  GODWIT_RETURN_IF_ERROR(CheckOption("app_id", options.app_id));
  GODWIT_RETURN_IF_ERROR(CheckOption("api_key", options.api_key));
  if (options.parallel_downloads < 1 || options.parallel_downloads > kParallelDownloadsMax) {
    return WrongOption("parallel_downloads", "is not between 1 and 64");
  }
  if (options.check_interval_s != 0 && (options.check_interval_s < kCheckIntervalMinS ||
                                        options.check_interval_s > kCheckIntervalMaxS)) {
    return WrongOption("check_interval_s", "is neither 0 nor between a minute and a year");
  }
  if (options.directory.empty()) return WrongOption("directory", "is missing");
  if (options.project_id.find_first_of("/?#%") != std::string::npos) {
    return WrongOption("project_id", "is no project's id or number");
  }
  if (options.stall_timeout_ms <= 0) return WrongOption("stall_timeout_ms", "is not positive");
  if (options.stall_bytes_per_s <= 0) return WrongOption("stall_bytes_per_s", "is not positive");
  if (options.receive_limit_bytes_per_s > 0 &&
      static_cast<uint64_t>(options.stall_bytes_per_s) >= options.receive_limit_bytes_per_s) {
    return WrongOption("stall_bytes_per_s", "is not below receive_limit_bytes_per_s");
  }
  return Status::Ok();
}

}  // namespace

Model ToModel(const LocalModel& local) {
  return {local.name, local.path, local.hash, local.size_bytes, local.version};
}

Client::Client(const ClientOptions& options, ClientSeams seams, std::unique_ptr<ModelStore> store)
    : seams_(seams),
      store_(std::move(store)),
      unknown_platform_(std::make_unique<UnknownPlatform>()),
      platform_(seams.platform != nullptr ? *seams.platform : *unknown_platform_),
      budget_(std::make_unique<DataBudget>(seams.file_system, seams.clock, seams.logger,
                                           store_->directory(), options.daily_bytes_max)),
      pending_(
          std::make_unique<PendingUpdates>(seams.file_system, seams.logger, store_->directory())),
      scheduler_(std::make_shared<TransferScheduler>(platform_, seams.clock, *budget_,
                                                     options.parallel_downloads)),
      context_(std::make_unique<ContextSource>(seams.file_system, options.app_version,
                                               std::string(kSdkVersion))),
      servers_(
          std::make_unique<Servers>(ServersOf(options), seams.http, seams.clock, seams.logger)),
      installation_(std::make_unique<Installation>(
          InstallationOptions{options.project_id, options.app_id, options.api_key,
                              std::string(kSdkVersion)},
          *store_, *servers_, seams.clock, seams.logger)),
      journal_(std::make_unique<EventJournal>(seams.file_system, seams.clock, seams.logger,
                                              store_->directory())),
      events_(std::make_unique<EventReporter>(
          EventReporterOptions{options.project_id, options.api_key, options.events_consent},
          *journal_, *installation_, *servers_, seams.logger)),
      trials_(std::make_unique<Trials>(seams.file_system, seams.logger, store_->directory())),
      load_guard_(std::make_unique<LoadGuard>(*store_, *trials_, *events_, seams.logger)),
      downloader_(std::make_unique<Downloader>(
          DownloaderOptions{options.project_id, options.api_key, options.receive_limit_bytes_per_s,
                            options.free_disk_reserve_bytes},
          DownloaderSeams{*store_, *installation_, *context_, seams.file_system, *servers_,
                          seams.clock, seams.logger, *events_, *trials_, *scheduler_, *budget_,
                          *pending_, seams.gate})),
      downloads_(std::make_unique<SharedDownloads>(*downloader_, scheduler_, seams.logger)),
      checks_(std::make_unique<BackgroundChecks>(
          BackgroundSeams{seams.file_system, seams.clock, seams.logger, *store_, *installation_,
                          *pending_, *downloads_},
          options.check_conditions)) {
  platform_.OnChange([this] { scheduler_->Refresh(); });
  if (options.check_interval_s > 0) checks_->Start(options.check_interval_s * 1000);
}

Client::~Client() { platform_.OnChange(nullptr); }

Result<std::unique_ptr<Client>> Client::Open(const ClientOptions& options, ClientSeams seams) {
  ClientOptions checked = options;
  GODWIT_RETURN_IF_ERROR(CheckOptions(checked));
  GODWIT_ASSIGN_OR_RETURN(
      auto store, ModelStore::Open(seams.file_system, seams.clock, seams.logger, checked.directory,
                                   checked.server_url, checked.project_id, checked.app_id,
                                   {.bytes_max = checked.store_bytes_max,
                                    .seed_directory = checked.seed_directory}));
  std::unique_ptr<Client> client(new Client(checked, seams, std::move(store)));
  client->load_guard_->Settle();
  return client;
}

std::unique_ptr<ModelRequest> Client::StartGetModel(const std::string& address, DownloadType type,
                                                    const DownloadConditions& conditions) {
  const auto parsed = ModelAddress::Parse(address);
  if (!parsed.ok()) return std::make_unique<ModelRequest>(parsed.status());
  if (type != DownloadType::kLatestModel) {
    const auto local = store_->Find(address);
    if (!local.ok()) return std::make_unique<ModelRequest>(local.status());
    if (*local) {
      if (type == DownloadType::kLocalModelUpdateInBackground) {
        downloads_->StartInBackground(*parsed, conditions);
      }
      return std::make_unique<ModelRequest>(ToModel(**local));
    }
  }
  auto joined = downloads_->Start(*parsed, conditions);
  return std::make_unique<ModelRequest>(address, std::move(joined.download), joined.waiter);
}

Result<ModelOffer> Client::CheckModel(const std::string& address) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress parsed, ModelAddress::Parse(address));
  return downloader_->Ask(parsed).WithContext("check model '" + address + "'");
}

Result<Model> Client::GetModel(const std::string& address, DownloadType type,
                               const DownloadConditions& conditions) {
  return StartGetModel(address, type, conditions)->Wait();
}

Result<std::vector<Model>> Client::ListDownloadedModels() {
  GODWIT_ASSIGN_OR_RETURN(const auto locals, store_->List());
  return ToModels(locals);
}

Status Client::PinModel(const std::string& address, bool pinned) {
  GODWIT_RETURN_IF_ERROR(ModelAddress::Parse(address).status());
  return store_->SetPinned(address, pinned).WithContext("pin model '" + address + "'");
}

Result<StoreCheck> Client::VerifyStore() {
  GODWIT_ASSIGN_OR_RETURN(const auto report, store_->Verify());
  return StoreCheck{ToModels(report.whole), ToModels(report.dropped)};
}

Status Client::DeleteDownloadedModel(const std::string& address) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress parsed, ModelAddress::Parse(address));
  GODWIT_RETURN_IF_ERROR(pending_->Remove(parsed));
  GODWIT_ASSIGN_OR_RETURN(const auto local, store_->Find(address));
  if (!local) {
    return Status(StatusCode::kNotFound, "model '" + address +
                                             "' is not on this device, so nothing was deleted; "
                                             "list the models to see which are");
  }
  return store_->Delete(address).WithContext("delete model '" + address + "'");
}

Result<std::string> Client::InstallationId() { return installation_->Id(nullptr); }

void Client::SetDeviceState(const DeviceState& state) { scheduler_->Tell(state); }

void Client::PlatformChanged() { scheduler_->Refresh(); }

Result<size_t> Client::FinishUpdates() { return checks_->FinishUpdates(); }

Status Client::SetContext(const std::string& key, const std::string& value) {
  return context_->Set(key, value);
}

Status Client::BeginLoad(const Model& model) { return load_guard_->Begin(model.name, model.hash); }

void Client::EndLoad(const Model& model) { load_guard_->End(model.name, model.hash); }

Status Client::SetEventsConsent(bool consent) { return events_->SetConsent(consent); }

void Client::WaitForBackgroundWork() {
  scheduler_->WaitUntilIdle();
  events_->WaitUntilIdle();
}

}  // namespace godwit
