// Installation: this app's identity on this device, and the token that proves it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/model_store.h"
#include "device/servers.h"
#include "protocol/installation_messages.h"

namespace godwit {

struct InstallationOptions {
  std::string project_id;
  std::string app_id;
  std::string api_key;
  std::string sdk_version;
};

// Thread-safe; shared with other processes through the store. Everything blocks.
class Installation {
 public:
  // All borrowed.
  Installation(const InstallationOptions& options, ModelStore& store, Servers& servers,
               Clock& clock, Logger& logger)
      : options_(options), store_(store), servers_(servers), clock_(clock), logger_(logger) {}

  // The id; made and stored on first use. The disk only.
  Result<std::string> Id(const std::atomic<bool>* cancelled);

  // A token that is good for a while, asked from the server when there is none. Of several
  // threads and processes one asks, and the others wait for its answer.
  Result<std::string> Token(const std::atomic<bool>* cancelled);

  // The server refused this token: forgets it, unless a newer one took its place.
  Status Forget(const std::string& token, const std::atomic<bool>* cancelled);

 private:
  struct State {
    std::string fid;
    std::string refresh_token;
    std::string token;
    int64_t issued_at_ms = 0;
    int64_t refresh_at_ms = 0;
  };

  Result<State> Read();
  Status Write(const State& state);
  Result<std::unique_ptr<FileLock>> Lock(const std::atomic<bool>* cancelled);
  bool IsFresh(const State& state) const;
  void Adopt(const InstallationToken& token, State& state) const;
  Status Renew(State& state, const std::atomic<bool>* cancelled);
  Status Register(State& state, const std::atomic<bool>* cancelled);
  Result<Servers::Reply> Post(const std::string& path, std::string body,
                              const std::string& refresh_token, const std::atomic<bool>* cancelled);

  const InstallationOptions options_;
  ModelStore& store_;
  Servers& servers_;
  Clock& clock_;
  Logger& logger_;
};

}  // namespace godwit
