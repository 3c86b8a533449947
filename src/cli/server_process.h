// ServerProcess: a godwitd that lives as long as the command that started it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace godwit::cli {

// The godwitd beside this program, else the one that PATH finds.
std::string FindServerProgram();

// Not thread-safe.
class ServerProcess {
 public:
  // Standard output is closed to it, standard error shared with it. Started from a thread that
  // blocks signals, it blocks none; where the system can, it ends when this process is killed.
  static Result<std::unique_ptr<ServerProcess>> Start(const std::vector<std::string>& command);
  // Asks it to stop and waits until it has.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  bool IsRunning();

 private:
  explicit ServerProcess(pid_t id) : id_(id) {}

  pid_t id_;
  bool has_ended_ = false;
};

}  // namespace godwit::cli
