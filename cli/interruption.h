// SIGINT, SIGTERM, or nobody who reads, as an event that waiting code sees: library calls through
// a Cancellation, questions through a file descriptor, polls through WaitFor.
//
// Threads: Watch() and WatchReader() start one each that lives as long as the
//   process.
// Shutdown: none; the process ends by _exit.
#ifndef CLI_INTERRUPTION_H_
#define CLI_INTERRUPTION_H_

#include <atomic>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "curator/client.h"

namespace curator::cli {

class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Takes both signals over. Before any other thread starts, at most once. A
  // second signal ends the process at once.
  void Watch();

  // Interrupts with kClosedPipe as soon as nobody reads from `fd` any more, also
  // while nothing is written. At most once, for as long as the process lives.
  void WatchReader(int fd);

  // kInterrupted or kTerminated, or why output cannot go on; the first counts.
  void Interrupt(ExitCode code);
  bool interrupted() const { return happened_.HasBeenNotified(); }
  ExitCode exit_code() const { return code_.load(); }

  const Cancellation& cancellation() const { return cancellation_; }
  int fd() const { return fd_; }  // readable from the interruption on

  // Waits that long, or until interrupted: then false.
  bool WaitFor(absl::Duration span) const {
    return !happened_.WaitForNotificationWithTimeout(span);
  }

 private:
  Cancellation cancellation_;
  int fd_;  // eventfd
  std::atomic<ExitCode> code_{ExitCode::kOk};
  absl::Notification happened_;
};

}  // namespace curator::cli

#endif  // CLI_INTERRUPTION_H_
