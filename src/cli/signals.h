// Signals that end a command which runs until then.
#pragma once

#include <signal.h>

namespace godwit::cli {

// Blocks SIGINT and SIGTERM, SIGHUP and SIGCHLD in this thread and those that it starts, so that
// only Wait sees them; as before when it goes. Made before any thread is.
class SignalWaiter {
 public:
  SignalWaiter();
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // Blocks until one comes; its number.
  int Wait() const;

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace godwit::cli
