// StateFile: a small JSON object that survives the process, framed and checksummed as all that
// the store keeps.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "fs/file_system.h"
#include "protocol/json.h"

namespace godwit {

// A value type; borrows the disk and the log. Blocks.
class StateFile {
 public:
  StateFile(FileSystem& fs, Logger& logger, std::string_view magic, std::string path)
      : fs_(fs), logger_(logger), magic_(magic), path_(std::move(path)) {}

  // An empty object when the file is absent, or damaged, which is logged.
  Result<Json> Read() const;
  // Atomic and durable. Makes its folder on demand.
  Status Write(const Json& json) const;

 private:
  FileSystem& fs_;
  Logger& logger_;
  const std::string magic_;
  const std::string path_;
};

}  // namespace godwit
