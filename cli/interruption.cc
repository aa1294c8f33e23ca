#include "cli/interruption.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace curator::cli {

Interruption::Interruption() : fd_(eventfd(0, EFD_CLOEXEC)) {}

Interruption::~Interruption() {
  if (fd_ >= 0) close(fd_);
}

void Interruption::Watch() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([this, signals] {
    while (true) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) return;
      const ExitCode code = signal == SIGINT ? ExitCode::kInterrupted : ExitCode::kTerminated;
      if (interrupted()) _exit(static_cast<int>(code));
      Interrupt(code);
    }
  }).detach();
}

void Interruption::WatchReader(int fd) {
  std::thread([this, fd] {
    while (true) {
      // Asks for nothing: returns for what is always told, that the other end is gone.
      pollfd reader = {fd, 0, 0};
      if (poll(&reader, 1, -1) < 0) {
        if (errno == EINTR) continue;
        return;
      }
      return Interrupt(ExitCode::kClosedPipe);
    }
  }).detach();
}

void Interruption::Interrupt(ExitCode code) {
  ExitCode none = ExitCode::kOk;
  if (!code_.compare_exchange_strong(none, code)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof(one));
  happened_.Notify();
  cancellation_.Cancel();
}

}  // namespace curator::cli
