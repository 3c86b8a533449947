#include "cli/signals.h"

#include <initializer_list>

namespace godwit::cli {

SignalWaiter::SignalWaiter() {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

SignalWaiter::~SignalWaiter() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int SignalWaiter::Wait() const {
  int number = 0;
  sigwait(&signals_, &number);
  return number;
}

}  // namespace godwit::cli
