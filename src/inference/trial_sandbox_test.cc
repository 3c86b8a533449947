#include "inference/trial_sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace godwit {
namespace {

void* Nothing(void*) { return nullptr; }

// Does it in a child that is confined, and gives how the child ended: its exit status, or minus
// the signal. The child leaves at once, so that nothing of the tests runs in it.
int Confined(const std::function<int()>& act) {
  const pid_t child = fork();
  if (child == 0) {
    if (!EnterSandbox({.memory_max_bytes = 256 << 20, .cpu_seconds_max = 5}).ok()) _exit(99);
    _exit(act());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(TrialSandbox, LetsComputeReadAndStartThreads) {
  EXPECT_EQ(Confined([] {
              const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
              char byte = 0;
              if (file < 0 || read(file, &byte, 1) != 1) return 1;
              close(file);
              pthread_t thread;
              if (pthread_create(&thread, nullptr, Nothing, nullptr) != 0) return 2;
              return pthread_join(thread, nullptr) == 0 ? 42 : 3;
            }),
            42);
}

TEST(TrialSandbox, OpensNoFileForWriting) {
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC}) {
    EXPECT_EQ(Confined([flags] {
                return open("/dev/null", flags, 0600) < 0 && errno == EACCES ? 42 : 1;
              }),
              42);
  }
}

TEST(TrialSandbox, ReachesNeitherTheParentsLimitsNorItsSignals) {
  static const pid_t parent = getpid();
  const std::function<int()> acts[] = {
      [] {
        // A pointer whose low half is zero is one all the same.
        return static_cast<int>(syscall(SYS_prlimit64, 0, RLIMIT_CPU, 0x100000000, nullptr));
      },
      [] {
        rlimit limit = {};
        return prlimit(parent, RLIMIT_NOFILE, nullptr, &limit);
      },
      [] { return fcntl(1, F_SETOWN, parent); },
      [] { return fcntl(1, F_SETFL, O_ASYNC); },
      [] {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(0, &cores);
        return sched_setaffinity(parent, sizeof cores, &cores);
      },
  };
  for (const auto& act : acts) {
    EXPECT_EQ(Confined([&act] { return act() == -1 && errno == EPERM ? 42 : 1; }), 42);
  }
}

TEST(TrialSandbox, AsksForItsOwnLimitsAndFlags) {
  EXPECT_EQ(Confined([] {
              rlimit limit = {};
              if (getrlimit(RLIMIT_STACK, &limit) != 0) return 1;
              return fcntl(1, F_GETFD) >= 0 ? 42 : 2;
            }),
            42);
}

TEST(TrialSandbox, EndsWhoeverReachesOut) {
  const pid_t parent = getpid();
  const std::function<int()> acts[] = {
      [] { return socket(AF_INET, SOCK_STREAM, 0); },
      [] { return socket(AF_UNIX, SOCK_STREAM, 0); },
      [] { return execl("/bin/true", "true", nullptr); },
      [] { return static_cast<int>(fork()); },
      [parent] { return kill(parent, 0); },
  };
  for (const auto& act : acts) EXPECT_EQ(Confined(act), -SIGSYS);
}

TEST(TrialSandbox, EndsByItsOwnAbort) {
  EXPECT_EQ(Confined([]() -> int {
              signal(SIGABRT, SIG_DFL);
              abort();
            }),
            -SIGABRT);
}

TEST(TrialSandbox, KeepsItsLimits) {
  EXPECT_EQ(Confined([] {
              const rlimit more = {1000, 1000};
              if (setrlimit(RLIMIT_CPU, &more) == 0) return 1;
              rlimit now = {};
              if (getrlimit(RLIMIT_FSIZE, &now) != 0 || now.rlim_cur != 0) return 2;
              return 42;
            }),
            42);
}

}  // namespace
}  // namespace godwit
