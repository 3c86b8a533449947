// Daemon: the whole server, built and wired. main and the tests run the same one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "fs/file_system.h"
#include "server/access/first_start.h"
#include "server/config.h"

namespace godwit::server {

// Thread-safe after Start.
class Daemon {
 public:
  // Takes the data folder, brings its database up to date, listens, sets itself up on the first
  // start, and serves. All arguments must outlive the daemon. kUnavailable when another process
  // holds the folder, kFailedPrecondition when a newer version wrote it.
  static Result<std::unique_ptr<Daemon>> Start(const ServerConfig& config, FileSystem& fs,
                                               const Clock& clock, Logger& logger);
  virtual ~Daemon() = default;  // Stops.

  // The addresses really bound, plain and with TLS.
  virtual std::vector<std::string> addresses() const = 0;
  virtual std::vector<std::string> tls_addresses() const = 0;
  virtual const std::string& public_url() const = 0;
  virtual const FirstStart& first_start() const = 0;

  // Reads the certificate files again and uses them for new connections, if they have changed.
  // Also happens by itself every few seconds.
  virtual void ReloadCertificates() = 0;

  // Lets requests under way end, then closes everything. Blocks.
  virtual void Stop() = 0;
};

}  // namespace godwit::server
