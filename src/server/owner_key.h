// A new owner's key for whoever owns the machine: the way back in when admin.json is lost.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "fs/file_system.h"
#include "server/config.h"

namespace godwit::server {

// On a server that does not run: makes an owner's account in the oldest project and writes its key
// file (0600) to `path`, which must not exist yet. Returns the account's address. Whatever the
// instant of a crash, no key is valid that the file does not hold. Blocks.
Result<std::string> MakeOwnerKey(const ServerConfig& config, FileSystem& fs, const Clock& clock,
                                 Logger& logger, const std::string& path);

// The lock that one godwitd holds on its folder; kUnavailable, with what to do, when another has
// it.
Result<std::unique_ptr<FileLock>> LockFolder(FileSystem& fs, const std::string& folder);

}  // namespace godwit::server
