// PendingUpdates: updates that began in the background and are not done, for a later process.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "device/conditions.h"
#include "fs/file_system.h"
#include "protocol/model_address.h"

namespace godwit {

// A value type.
struct PendingUpdate {
  ModelAddress address;
  DownloadConditions conditions;  // Those under which it began; waits for ever.
};

// Thread-safe, and several processes may share them: adding and removing the same update twice
// does no harm, for who finds one that is done learns from the server that nothing is left.
class PendingUpdates {
 public:
  // fs and logger are borrowed.
  PendingUpdates(FileSystem& fs, Logger& logger, const std::string& store_directory);

  // Durable.
  Status Add(const ModelAddress& address, const DownloadConditions& conditions);
  // Ok when absent.
  Status Remove(const ModelAddress& address);
  // By the hash of their names. Damaged ones are removed, for the next check finds them anew.
  Result<std::vector<PendingUpdate>> List();

 private:
  std::string PathOf(const std::string& file_name) const { return JoinPath(folder_, file_name); }

  FileSystem& fs_;
  Logger& logger_;
  const std::string folder_;
};

}  // namespace godwit
