// Client: getModel and its neighbours, for one server, project and app.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/conditions.h"
#include "fs/file_system.h"
#include "http/http_client.h"

namespace godwit {

struct ClientOptions {
  std::string server_url;  // "https://models.example.org"; no path.
  std::string project_id;
  std::string app_id;
  std::string api_key;
  std::string directory;                   // Holds one store for each (server, project, app id).
  uint64_t receive_limit_bytes_per_s = 0;  // Of model files; 0: no limit.
  int64_t stall_timeout_ms = 30'000;
};

// Borrowed; must outlive the client. All thread-safe.
struct ClientSeams {
  FileSystem& file_system;
  HttpClient& http;
  Clock& clock;
  Logger& logger;
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
};

struct Progress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // 0: not known yet, or no download needed.
};

// One call's wait for a model. Thread-safe. May outlive its client. Its destructor cancels.
class ModelRequest {
 public:
  virtual ~ModelRequest() = default;

  static constexpr int64_t kForever = -1;

  // Blocks until the request is finished, at most timeout_ms; then kDeadlineExceeded, and the
  // request runs on. `finished` tells the two apart.
  virtual Result<Model> Wait(int64_t timeout_ms = kForever) = 0;
  virtual bool finished() const = 0;

  // Finishes this request with kCancelled unless it is finished already. The transfer ends
  // with the last request that waits for it. Does not block.
  virtual void Cancel() = 0;

  virtual Progress progress() const = 0;
};

// Thread-safe. The destructor cancels every transfer and waits for its threads.
class Client {
 public:
  virtual ~Client() = default;

  // Opens the store; the disk only. kInvalidArgument names the option that is wrong.
  static Result<std::unique_ptr<Client>> Open(const ClientOptions& options, ClientSeams seams);

  // Blocks; the statuses are listed at godwit_client_get_model.
  virtual Result<Model> GetModel(const std::string& address, DownloadType type,
                                 const DownloadConditions& conditions = {}) = 0;

  // Returns at once; a wrong address, too, is told by Wait.
  virtual std::unique_ptr<ModelRequest> StartGetModel(
      const std::string& address, DownloadType type, const DownloadConditions& conditions = {}) = 0;

  // By name; the disk only.
  virtual Result<std::vector<Model>> ListDownloadedModels() = 0;

  // kNotFound when it is not in the store. The disk only.
  virtual Status DeleteDownloadedModel(const std::string& address) = 0;

  // Made on first use; the disk only.
  virtual Result<std::string> InstallationId() = 0;

  virtual void SetDeviceState(const DeviceState& state) = 0;

  // Blocks until no background update runs. Programs that end at once call it.
  virtual void WaitForBackgroundWork() = 0;
};

}  // namespace godwit
