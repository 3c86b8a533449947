// Client: getModel and its neighbours, for one server, project and app.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/activation_gate.h"
#include "device/conditions.h"
#include "device/download_control.h"
#include "fs/file_system.h"
#include "http/http_client.h"

namespace godwit {

struct ClientOptions {
  std::string server_url;  // "https://models.example.org"; no path.
  // Servers with the same data and signing keys, asked in this order when the first one is out.
  std::vector<std::string> fallback_urls;
  std::string project_id;
  std::string app_id;
  std::string api_key;
  std::string directory;                   // Holds one store for each (server, project, app id).
  uint64_t receive_limit_bytes_per_s = 0;  // Of model files; 0: no limit.
  int64_t stall_timeout_ms = 30'000;
  bool events_consent = false;  // See Client::SetEventsConsent.
  std::string app_version;      // Told to the server with every check; may be empty.
  int64_t stall_bytes_per_s = 1;
  std::string seed_directory;    // Models that the app ships, with seeds.json; empty: none.
  uint64_t store_bytes_max = 0;  // Of the models' files, of this app on this server; 0: no limit.

  uint64_t free_disk_reserve_bytes = 0;  // Of the disk, never used for models.
  uint64_t daily_bytes_max = 0;          // Of model files, by all processes; 0: no limit.
  int parallel_downloads = 2;            // Files at once; the others queue.
  // Looks for newer versions of the store's models by itself, so often; 0: never.
  int64_t check_interval_s = 0;
  DownloadConditions check_conditions;  // Of what these checks find.
};

// Borrowed; must outlive the client. All thread-safe.
struct ClientSeams {
  FileSystem& file_system;
  HttpClient& http;
  Clock& clock;
  Logger& logger;
  ActivationGate* gate = nullptr;  // None: every version whose bytes are right is switched to.
  Platform* platform = nullptr;    // None: only the app knows the device's state.
};

// Firebase's three; see godwit/client.h for what each promises.
enum class DownloadType {
  kLocalModel = 0,
  kLocalModelUpdateInBackground = 1,
  kLatestModel = 2,
};

// A model whose file is in the store, whole and checked. A value type.
struct Model {
  std::string name;  // The address by which it was asked for.
  std::string path;
  std::string hash;  // Lower-case hex SHA-256 of the file.
  uint64_t size_bytes = 0;
  std::optional<uint64_t> version;  // Counts from 1; absent when the server did not say.
};

// What a look at the models' files found.
struct StoreCheck {
  std::vector<Model> whole;
  std::vector<Model> dropped;  // Their bytes were wrong; they are gone from the store.
};

struct Progress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // 0: not known yet, or no download needed.
};

class BackgroundChecks;
class ContextSource;
class DataBudget;
struct ModelOffer;  // device/downloader.h
class SharedDownload;
class SharedDownloads;
class Downloader;
class EventJournal;
class EventReporter;
class Installation;
class LoadGuard;
class ModelStore;
class PendingUpdates;
class Servers;
class TransferScheduler;
class Trials;
struct LocalModel;

Model ToModel(const LocalModel& local);

// One call's wait for a model. Thread-safe. May outlive its client. Its destructor cancels.
class ModelRequest {
 public:
  static constexpr int64_t kForever = -1;

  // A request that is finished already.
  explicit ModelRequest(Result<Model> result);
  // REQUIRES: the download counts this request as one that waits.
  ModelRequest(std::string address, std::shared_ptr<SharedDownload> download, uint64_t waiter);
  ~ModelRequest();

  // Blocks until the request is finished, at most timeout_ms; then kDeadlineExceeded, and the
  // request runs on. finished() tells that from a download that took too long.
  Result<Model> Wait(int64_t timeout_ms = kForever);
  bool finished() const;

  // Finishes this request with kCancelled unless it is finished already. The transfer ends
  // with the last request that waits for it. Does not block.
  void Cancel();

  // The transfer is paused while all who wait for it paused; what has arrived is kept. Then
  // another process may go on with it.
  void Pause();
  void Resume();

  // 0 at first. The highest of all who wait counts; it takes the slot of a lower one.
  void SetPriority(int priority);

  // Of the download that this request waits for, whoever else does.
  RequestStatus status() const;
  Progress progress() const;

 private:
  const std::string address_;
  const std::optional<Result<Model>> result_;       // Of a request that is finished already;
  const std::shared_ptr<SharedDownload> download_;  // else this gives the result,
  const uint64_t waiter_ = 0;                       // which knows this one by this number.
  std::atomic<bool> cancelled_ = false;
};

// Thread-safe. The destructor cancels every transfer and waits for its threads.
class Client {
 public:
  ~Client();

  // Opens the store; the disk only. kInvalidArgument names the option that is wrong.
  static Result<std::unique_ptr<Client>> Open(const ClientOptions& options, ClientSeams seams);

  // Blocks; the statuses are listed at godwit_client_get_model.
  Result<Model> GetModel(const std::string& address, DownloadType type,
                         const DownloadConditions& conditions = {});

  // Asks the server what it offers under the address, and downloads nothing. Blocks; fails as
  // GetModel does before a download.
  Result<ModelOffer> CheckModel(const std::string& address);

  // Returns at once; a wrong address, too, is told by Wait.
  std::unique_ptr<ModelRequest> StartGetModel(const std::string& address, DownloadType type,
                                              const DownloadConditions& conditions = {});

  // By name; the disk only.
  Result<std::vector<Model>> ListDownloadedModels();

  // kNotFound when it is not in the store, kUnavailable while it is downloaded. The disk only.
  Status DeleteDownloadedModel(const std::string& address);

  // A pinned model is never removed to make room for another, whether or not it is here yet.
  Status PinModel(const std::string& address, bool pinned);

  // Hashes every model's file, which takes a while, and drops those that the disk has damaged:
  // the next call for them downloads them anew. The disk only.
  Result<StoreCheck> VerifyStore();

  // Made on first use; the disk only.
  Result<std::string> InstallationId();

  // What the app knows goes before what the platform says, but for its kUnknown.
  void SetDeviceState(const DeviceState& state);
  // The platform may answer otherwise than before.
  void PlatformChanged();

  // Goes on, in the background, with updates that an earlier process could not finish; returns
  // how many there are. The disk only.
  Result<size_t> FinishUpdates();

  // From the next check on; an empty value removes the field. kInvalidArgument for a malformed
  // key or value, kResourceExhausted when the context would pass its limits.
  Status SetContext(const std::string& key, const std::string& value);

  // Whether the user lets the server know what happens to models on this device. Without that
  // nothing is recorded or sent; taking it back erases what was not sent yet. Not kept: the app
  // says it again at the next Open. The disk only.
  Status SetEventsConsent(bool consent);

  // Around each load of a model into an interpreter, so that one that ends the app twice in a row
  // is loaded no third time. The disk only. BeginLoad: kQuarantined when it must not be loaded;
  // getting the model again gives its previous version. After any other error the load is not
  // counted.
  Status BeginLoad(const Model& model);
  void EndLoad(const Model& model);

  // Blocks until nothing is downloaded or sent, not in the background either, but for what waits
  // for a condition or is paused. Programs that end after one call need it.
  void WaitForBackgroundWork();

 private:
  Client(const ClientOptions& options, ClientSeams seams, std::unique_ptr<ModelStore> store);

  const ClientSeams seams_;
  const std::unique_ptr<ModelStore> store_;
  const std::unique_ptr<Platform> unknown_platform_;
  Platform& platform_;
  const std::unique_ptr<DataBudget> budget_;
  const std::unique_ptr<PendingUpdates> pending_;
  const std::shared_ptr<TransferScheduler> scheduler_;  // Requests hold it, too.
  const std::unique_ptr<ContextSource> context_;
  const std::unique_ptr<Servers> servers_;
  const std::unique_ptr<Installation> installation_;
  const std::unique_ptr<EventJournal> journal_;
  const std::unique_ptr<EventReporter> events_;
  const std::unique_ptr<Trials> trials_;
  const std::unique_ptr<LoadGuard> load_guard_;
  const std::unique_ptr<Downloader> downloader_;
  const std::unique_ptr<SharedDownloads> downloads_;  // Near the end: its threads use the others,
  const std::unique_ptr<BackgroundChecks> checks_;    // and this one's starts downloads.
};

}  // namespace godwit
