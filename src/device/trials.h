// Trials: what this device learnt of single files: which the activation gate refused, and which
// ended the app while it loaded them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "device/store_format.h"
#include "fs/file_system.h"

namespace godwit {

// Thread-safe, and shared by processes. Files are named by their SHA-256 in lower-case hex. What
// is written is durable, whatever the instant of a crash. Everything blocks on the disk.
class Trials {
 public:
  // Ends in a row after which a file is not loaded any more.
  static constexpr uint32_t kCrashesMax = 2;

  // directory: of the store. Borrowed.
  Trials(FileSystem& fs, Logger& logger, std::string directory)
      : fs_(fs), logger_(logger), directory_(std::move(directory)) {}

  // An empty one when nothing is known, or what is known is damaged.
  Result<Trial> Read(const std::string& hash);

  // Ok, or why the file must not become a model here: kGateRefused (for the same golden inputs),
  // kQuarantined.
  Status Check(const std::string& hash, const std::string& golden_hash);

  Status Refuse(const std::string& hash, const std::string& golden_hash, std::string reason);

  // Notes that this process loads the file, until EndLoad or its death. crashed: out; whether the
  // one who loaded it before died of it. kQuarantined when too many did, and then nobody is
  // loading it. Several threads and processes may load the same file.
  Result<std::unique_ptr<FileLock>> BeginLoad(const std::string& hash, bool& crashed);

  // The load that BeginLoad began went well: earlier crashes are forgotten.
  Status EndLoad(const std::string& hash, std::unique_ptr<FileLock> loading);

  // The files that must not be loaded, those whose last load ended just now among them. Costs one
  // look at a missing folder where nothing was ever loaded.
  Result<std::vector<std::string>> Quarantined();

 private:
  std::string PathOf(const std::string& hash) const;
  std::string LoadingLock(const std::string& hash) const;
  Result<std::unique_ptr<FileLock>> Lock();
  Result<bool> IsLoading(const std::string& hash);
  Status Write(const std::string& hash, const Trial& trial);

  FileSystem& fs_;
  Logger& logger_;
  const std::string directory_;
};

}  // namespace godwit
