#include "inference/trial_sandbox.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#if defined(__linux__)
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <initializer_list>
#include <vector>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GODWIT_SANITIZED 1  // Shadow memory is larger than any limit.
#else
#define GODWIT_SANITIZED 0
#endif

namespace godwit {
namespace {

Status Limit(int resource, uint64_t soft, uint64_t hard) {
  const rlimit limit = {static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  if (setrlimit(static_cast<decltype(RLIMIT_AS)>(resource), &limit) == 0) return Status::Ok();
  return Status(StatusCode::kInternal,
                std::string("a limit of the trial cannot be set: ") + std::strerror(errno));
}

// Of this process's address space; 0 where the system does not tell.
uint64_t AddressSpaceBytes() {
  uint64_t pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long read = 0;
  if (std::fscanf(file, "%llu", &read) == 1) pages = read;
  std::fclose(file);
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// What computing with threads and reading files takes.
constexpr long kAllowed[] = {
    SYS_read,
    SYS_pread64,
    SYS_readv,
    SYS_write,
    SYS_writev,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_lseek,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_exit,
    SYS_exit_group,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrandom,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_faccessat,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_getdents64,
    SYS_uname,
    SYS_sysinfo,
    SYS_getcpu,
    SYS_getrusage,
    SYS_dup,
    SYS_membarrier,
    SYS_restart_syscall,
#if defined(__x86_64__)
    SYS_access,
    SYS_readlink,
    SYS_stat,
    SYS_lstat,
    SYS_getrlimit,
    SYS_time,
    SYS_arch_prctl,
#endif
#if GODWIT_SANITIZED
    SYS_pipe2,  // The sanitizers find out by a pipe whether memory can be read.
#if defined(__x86_64__)
    SYS_pipe,
#endif
#endif
};

// What no model has any business with: its trial ends there and then.
constexpr long kDeadly[] = {
    SYS_execve,
    SYS_execveat,
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
#endif
};

// The filter of system calls, in the kernel's little language: a row of instructions that look at
// the number and the arguments and end in a verdict.
class FilterProgram {
 public:
  FilterProgram() {
    Load(offsetof(seccomp_data, arch));
    UnlessEqual(kArchitecture, SECCOMP_RET_KILL_PROCESS);
    Load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    // Numbers from here on are the x32 calls, another door to the same rooms.
    Add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    Return(SECCOMP_RET_KILL_PROCESS);
#endif
  }

  void When(long number, uint32_t verdict) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1);
    Return(verdict);
  }

  // Allows the call when (low half of the argument & mask) == value, else says otherwise.
  void WhenArgument(long number, unsigned argument, uint32_t mask, uint32_t value,
                    uint32_t otherwise) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 5);
    LoadHalf(argument, 0);
    Add(BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    Add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    Return(SECCOMP_RET_ALLOW);
    Return(otherwise);
  }

  // Allows the call when the low half of the argument is one of these, else says otherwise.
  void WhenArgumentIn(long number, unsigned argument, std::initializer_list<uint32_t> values,
                      uint32_t otherwise) {
    const auto skipped = static_cast<uint8_t>(2 + 2 * values.size());
    Add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, skipped);
    LoadHalf(argument, 0);
    for (const uint32_t value : values) When(value, SECCOMP_RET_ALLOW);
    Return(otherwise);
  }

  // Allows the call when all of these arguments are zero in both halves, else says otherwise.
  void WhenZero(long number, std::initializer_list<unsigned> arguments, uint32_t otherwise) {
    const auto skipped = static_cast<uint8_t>(1 + 6 * arguments.size());
    Add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, skipped);
    for (const unsigned argument : arguments) {
      for (const unsigned half : {0u, 1u}) {
        LoadHalf(argument, half);
        UnlessEqual(0, otherwise);
      }
    }
    Return(SECCOMP_RET_ALLOW);
  }

  void Return(uint32_t verdict) { Add(BPF_RET | BPF_K, verdict, 0, 0); }

  bool Install() {
    const sock_fprog program = {static_cast<unsigned short>(code_.size()), code_.data()};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void Load(uint32_t offset) { Add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }
  // Half 0 is the low one: both architectures are little-endian.
  void LoadHalf(unsigned argument, unsigned half) {
    Load(static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * argument + 4 * half));
  }
  void UnlessEqual(uint32_t value, uint32_t verdict) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    Return(verdict);
  }
  void Add(int code, uint32_t operand, uint8_t if_true, uint8_t if_false) {
    code_.push_back({static_cast<uint16_t>(code), if_true, if_false, operand});
  }

  std::vector<sock_filter> code_;
};

constexpr uint32_t Error(int number) {
  return SECCOMP_RET_ERRNO | (static_cast<uint32_t>(number) & SECCOMP_RET_DATA);
}

Status FilterSystemCalls() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Status::Ok();  // Before Linux 3.5.
  FilterProgram program;
  for (const long number : kDeadly) program.When(number, SECCOMP_RET_KILL_PROCESS);
  // Threads, not processes. The C library falls back to clone, whose flags can be seen.
  program.When(SYS_clone3, Error(ENOSYS));
  program.WhenArgument(SYS_clone, 0, CLONE_THREAD, CLONE_THREAD, SECCOMP_RET_KILL_PROCESS);
  // abort() signals its own thread.
  program.WhenArgument(SYS_tgkill, 0, UINT32_MAX, static_cast<uint32_t>(getpid()),
                       SECCOMP_RET_KILL_PROCESS);
  constexpr uint32_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  program.WhenArgument(SYS_openat, 2, kWriting, 0, Error(EACCES));
#if defined(__x86_64__)
  program.WhenArgument(SYS_open, 1, kWriting, 0, Error(EACCES));
#endif
  // A thread may name itself, and memory may be named; the rest of prctl may not.
  program.WhenArgument(SYS_prctl, 0, UINT32_MAX, PR_SET_NAME, Error(EPERM));
  // Its own limits may be asked for; none may be set, and no other process's either.
  program.WhenZero(SYS_prlimit64, {0, 2}, Error(EPERM));
  // Not the commands that send signals: the pipe's other end is the app.
  program.WhenArgumentIn(SYS_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC},
                         Error(EPERM));
  for (const long number : kAllowed) program.When(number, SECCOMP_RET_ALLOW);
  // Whatever else a library asks for, it gets along without.
  program.Return(Error(EPERM));
  if (program.Install() || errno == EINVAL) return Status::Ok();  // A kernel without filters.
  return Status(
      StatusCode::kInternal,
      std::string("the trial's system calls cannot be filtered: ") + std::strerror(errno));
}

#else

Status FilterSystemCalls() { return Status::Ok(); }

#endif

}  // namespace

Status EnterSandbox(const SandboxLimits& limits) {
  GODWIT_RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0, 0));
  GODWIT_RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, 0, 0));
  GODWIT_RETURN_IF_ERROR(Limit(RLIMIT_CPU, limits.cpu_seconds_max, limits.cpu_seconds_max + 1));
  if (!GODWIT_SANITIZED) {
    const uint64_t address_space_bytes = AddressSpaceBytes() + limits.memory_max_bytes;
    GODWIT_RETURN_IF_ERROR(Limit(RLIMIT_AS, address_space_bytes, address_space_bytes));
  }
  return FilterSystemCalls();
}

}  // namespace godwit
