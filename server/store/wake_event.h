// WakeEvent: wakes a thread that waits in poll(). Wakes before the wait are kept,
// several count as one.
#ifndef SERVER_STORE_WAKE_EVENT_H_
#define SERVER_STORE_WAKE_EVENT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace curatord {

class WakeEvent {
 public:
  WakeEvent() = default;
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;
  ~WakeEvent();

  // Before anything else.
  absl::Status Open();

  // Thread-safe, never blocks.
  void Wake();

  // Returns once woken, when `also_fd` (or -1) is readable, or after `timeout` on
  // the monotonic clock. One thread waits. True if `also_fd` was readable.
  bool Wait(absl::Duration timeout, int also_fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace curatord

#endif  // SERVER_STORE_WAKE_EVENT_H_
