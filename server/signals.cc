#include "server/signals.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

namespace curatord {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

void RequestStop() { ::kill(::getpid(), SIGTERM); }

int WaitForStopSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  std::thread([signals] {
    int second = 0;
    while (sigwait(&signals, &second) != 0) {
    }
    ::_exit(128 + second);
  }).detach();
  return signal;
}

}  // namespace curatord
