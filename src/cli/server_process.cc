#include "cli/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <array>
#include <cerrno>
#include <cstring>

#include "fs/file_system.h"

namespace godwit::cli {
namespace {

constexpr int kExitNotStarted = 127;

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void Become(char* const* arguments) {
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execvp(arguments[0], arguments);
  ::_exit(kExitNotStarted);
}

}  // namespace

std::string FindServerProgram() {
  constexpr const char* kName = "godwitd";
  std::array<char, 4096> own{};
  const ssize_t size = ::readlink("/proc/self/exe", own.data(), own.size() - 1);
  if (size <= 0) return kName;
  const std::string beside = JoinPath(ParentPath(own.data()), kName);
  return ::access(beside.c_str(), X_OK) == 0 ? beside : kName;
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t id = ::fork();
  if (id == 0) Become(arguments.data());
  if (id < 0) {
    return Status(StatusCode::kResourceExhausted, std::string("no process could be made (") +
                                                      std::strerror(errno) +
                                                      "), so no server runs; end other programs");
  }
  return std::unique_ptr<ServerProcess>(new ServerProcess(id));
}

bool ServerProcess::IsRunning() {
  if (!has_ended_) has_ended_ = ::waitpid(id_, nullptr, WNOHANG) != 0;
  return !has_ended_;
}

ServerProcess::~ServerProcess() {
  if (!IsRunning()) return;
  ::kill(id_, SIGTERM);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace godwit::cli
