#include "server/daemon.h"

#include <atomic>
#include <chrono>
#include <mutex>

#include "server/api/api.h"
#include "server/api/replies.h"
#include "server/blob/blob_store.h"
#include "server/jobs/garbage_collector.h"
#include "server/jobs/periodic_task.h"
#include "server/jobs/verifier.h"
#include "server/owner_key.h"
#include "server/tls/certificate_files.h"

namespace godwit::server {
namespace {

// Answers 503 until the application stands. The server must listen before that, because its
// port may be one that the system picks and links must name it.
class Gate final : public Handler {
 public:
  void Open(Handler* handler) { handler_.store(handler, std::memory_order_release); }

  bool TryFast(const RequestHead& head, FastReply* reply) override {
    Handler* handler = Get();
    return handler != nullptr && handler->TryFast(head, reply);
  }
  RoutePlan Plan(const RequestHead& head) override {
    Handler* handler = Get();
    return handler != nullptr ? handler->Plan(head) : RoutePlan{};
  }
  Response Handle(const Request& request) override {
    Handler* handler = Get();
    if (handler != nullptr) return handler->Handle(request);
    return ErrorResponse(
        Status(StatusCode::kUnavailable, "the server is starting; try again in a moment"));
  }
  std::unique_ptr<BodyReceiver> StartBody(const Request& request) override {
    return Get()->StartBody(request);  // Plan asked for a stream, so the gate was open.
  }

 private:
  Handler* Get() const { return handler_.load(std::memory_order_acquire); }

  std::atomic<Handler*> handler_{nullptr};
};

std::vector<std::string> BoundAddresses(const HttpServer& http) {
  std::vector<std::string> addresses = http.addresses();
  for (std::string& address : http.tls_addresses()) addresses.push_back(std::move(address));
  return addresses;
}

// The hosts by which clients can know this server, with their ports.
std::vector<std::string> OwnHosts(const ServerConfig& config,
                                  const std::vector<std::string>& addresses,
                                  const std::string& public_url) {
  std::vector<std::string> hosts = config.storage_hosts;
  hosts.insert(hosts.end(), addresses.begin(), addresses.end());
  for (const std::string& address : addresses) {
    const std::string port = address.substr(address.rfind(':'));
    const bool everywhere = address.starts_with("0.0.0.0:") || address.starts_with("[::]:");
    if (everywhere || address.starts_with("127.0.0.1:")) hosts.push_back("localhost" + port);
    if (everywhere) hosts.insert(hosts.end(), {"127.0.0.1" + port, "[::1]" + port});
  }
  hosts.push_back(HostOfUrl(public_url));
  return hosts;
}

// Whatever speaks TLS, the server or a proxy before it.
std::vector<std::string> UrlsOf(const std::vector<std::string>& hosts) {
  std::vector<std::string> urls;
  for (const std::string& host : hosts) {
    urls.push_back("http://" + host);
    urls.push_back("https://" + host);
  }
  return urls;
}

// The members are destroyed from the last to the first, so each may use those above it.
class DaemonOnDisk final : public Daemon {
 public:
  DaemonOnDisk(const ServerConfig& config, FileSystem& fs, const Clock& clock, Logger& logger)
      : config_(config), fs_(fs), clock_(clock), logger_(logger) {}
  ~DaemonOnDisk() override { Stop(); }

  Status Open();

  std::vector<std::string> addresses() const override { return http_->addresses(); }
  std::vector<std::string> tls_addresses() const override { return http_->tls_addresses(); }
  const std::string& public_url() const override { return public_url_; }
  const FirstStart& first_start() const override { return first_start_; }

  void ReloadCertificates() override {
    if (!certificates_) return;
    // Both in one step: SIGHUP and the watch must not set them in the other order.
    const std::lock_guard lock(certificates_mutex_);
    if (auto changed = certificates_->TakeChange()) http_->SetTls(std::move(changed));
  }

  void Stop() override {
    if (http_) http_->Stop();
    certificates_watch_.reset();
    // Before what they write to.
    verifier_.reset();
    refresh_.reset();
    sightings_flush_.reset();
    if (sightings_) KeepSightings();
    maintain_.reset();
  }

 private:
  Status OpenFolder();
  Status OpenHttp();
  Status OpenDomain();
  void StartJobs();
  void Maintain();
  void KeepSightings();

  const ServerConfig config_;
  FileSystem& fs_;
  const Clock& clock_;
  Logger& logger_;
  std::string public_url_;
  std::vector<std::string> hosts_;
  FirstStart first_start_;

  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<AccessStore> access_;
  std::unique_ptr<Installations> installations_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<EventStore> events_;
  std::unique_ptr<Sightings> sightings_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<UploadSessions> sessions_;
  std::unique_ptr<ModelIntake> intake_;
  std::unique_ptr<Verifier> verifier_;
  std::unique_ptr<GarbageCollector> collector_;
  std::unique_ptr<Api> api_;
  Gate gate_;
  std::unique_ptr<CertificateFiles> certificates_;
  std::mutex certificates_mutex_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<PeriodicTask> certificates_watch_;
  std::unique_ptr<PeriodicTask> refresh_;
  std::unique_ptr<PeriodicTask> sightings_flush_;
  std::unique_ptr<PeriodicTask> maintain_;
};

Status DaemonOnDisk::OpenFolder() {
  const std::string& folder = config_.data_directory;
  GODWIT_RETURN_IF_ERROR(fs_.CreateDirectories(folder));
  GODWIT_ASSIGN_OR_RETURN(lock_, LockFolder(fs_, folder));
  GODWIT_ASSIGN_OR_RETURN(database_,
                          OpenSqliteDatabase(JoinPath(folder, "godwit.db"), clock_, logger_));
  BlobStoreOptions options;
  options.blob_max_bytes = config_.model_max_bytes;
  options.free_disk_reserve_bytes = config_.free_disk_reserve_bytes;
  GODWIT_ASSIGN_OR_RETURN(blobs_, OpenBlobStore(fs_, folder, options));
  return Status::Ok();
}

Status DaemonOnDisk::OpenDomain() {
  GODWIT_ASSIGN_OR_RETURN(access_,
                          AccessStore::Open(*database_, clock_, public_url_, UrlsOf(hosts_)));
  GODWIT_ASSIGN_OR_RETURN(first_start_,
                          SetUpOnFirstStart(*access_, *database_, fs_, config_.data_directory));
  const Status updated = UpdateCredentialAddresses(fs_, first_start_, public_url_);
  if (!updated.ok()) {
    logger_.Warning("the files in credentials/ name this server's former address; put " +
                        public_url_ + " into them, or let the server write there",
                    {{"error", updated.message()}});
  }
  installations_ = std::make_unique<Installations>(*database_, *access_, clock_);
  GODWIT_ASSIGN_OR_RETURN(registry_, Registry::Open(*database_, clock_));
  events_ = std::make_unique<EventStore>(*database_, clock_);
  sightings_ = std::make_unique<Sightings>(*database_, *registry_);
  objects_ = std::make_unique<ObjectStore>(*database_, *blobs_, clock_);
  sessions_ = std::make_unique<UploadSessions>(*database_, *objects_, clock_);
  intake_ = std::make_unique<ModelIntake>(*objects_, logger_);
  verifier_ = std::make_unique<Verifier>(*registry_, *intake_, logger_);
  GarbageOptions garbage;
  garbage.versions_kept = config_.versions_kept;
  garbage.blob_age_min_ms = config_.garbage_blob_age_min_ms;
  collector_ = std::make_unique<GarbageCollector>(*database_, *registry_, *objects_, *sessions_,
                                                  clock_, logger_, garbage);
  GODWIT_RETURN_IF_ERROR(collector_->Start());
  return Status::Ok();
}

Status DaemonOnDisk::OpenHttp() {
  HttpServerOptions http;
  http.listen = PlainListen(config_);
  http.listen_tls = config_.listen_tls;
  if (!config_.tls.empty()) {
    certificates_ = std::make_unique<CertificateFiles>(config_.tls, fs_, clock_, logger_);
    GODWIT_ASSIGN_OR_RETURN(http.tls, certificates_->Load());
  }
  http.loop_threads = config_.loop_threads;
  http.worker_threads = config_.worker_threads;
  http.connections_max = config_.connections_max;
  GODWIT_ASSIGN_OR_RETURN(http_, HttpServer::Start(http, gate_, clock_, logger_));
  public_url_ = PublicUrl(config_, http_->addresses(), http_->tls_addresses());
  hosts_ = OwnHosts(config_, BoundAddresses(*http_), public_url_);
  return Status::Ok();
}

Status DaemonOnDisk::Open() {
  GODWIT_RETURN_IF_ERROR(OpenFolder());
  GODWIT_RETURN_IF_ERROR(OpenHttp());
  GODWIT_RETURN_IF_ERROR(OpenDomain());
  ApiOptions options;
  options.require_installation_token = config_.require_installation_token;
  options.storage_emulator = config_.storage_emulator;
  options.model_max_bytes = config_.model_max_bytes;
  options.verify_at_once_max_bytes = config_.verify_at_once_max_bytes;
  options.storage_hosts = hosts_;
  api_ = std::make_unique<Api>(ApiServices{*database_, *access_, *installations_, *events_,
                                           *sightings_, *registry_, *objects_, *sessions_, *intake_,
                                           *verifier_, clock_, logger_, std::move(options),
                                           [this] { return http_->stats(); }});
  gate_.Open(api_.get());
  StartJobs();
  return Status::Ok();
}

void DaemonOnDisk::StartJobs() {
  verifier_->Start();  // It writes, so the collector and the API follow the registry by now.
  if (certificates_) {
    certificates_watch_ =
        std::make_unique<PeriodicTask>(std::chrono::seconds(10), [this] { ReloadCertificates(); });
  }
  refresh_ =
      std::make_unique<PeriodicTask>(std::chrono::seconds(20), [this] { api_->RefreshAnswers(); });
  sightings_flush_ =
      std::make_unique<PeriodicTask>(std::chrono::seconds(2), [this] { KeepSightings(); });
  maintain_ = std::make_unique<PeriodicTask>(std::chrono::milliseconds(config_.garbage_period_ms),
                                             [this] { Maintain(); });
}

void DaemonOnDisk::KeepSightings() {
  const Status kept = sightings_->Flush();
  if (kept.ok()) return;
  logger_.Error("what devices hold was not kept; they will say it again",
                {{"reason", kept.message()}});
}

void DaemonOnDisk::Maintain() {
  const Status kept = access_->Maintain();
  const Status collected = collector_->Collect().status();
  api_->ForgetRemovedBlobs();
  const Status forgotten = events_->Forget({config_.events_rows_days, config_.events_totals_days});
  for (const Status& status : {kept, collected, forgotten}) {
    if (status.ok()) continue;
    logger_.Error("maintenance stopped; it will be tried again in the next round",
                  {{"reason", status.message()}});
  }
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::Start(const ServerConfig& config, FileSystem& fs,
                                              const Clock& clock, Logger& logger) {
  GODWIT_RETURN_IF_ERROR(CheckConfig(config));
  auto daemon = std::make_unique<DaemonOnDisk>(config, fs, clock, logger);
  GODWIT_RETURN_IF_ERROR(daemon->Open());
  return std::unique_ptr<Daemon>(std::move(daemon));
}

}  // namespace godwit::server
