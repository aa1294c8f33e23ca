#include "server/store/wake_event.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace curatord {

WakeEvent::~WakeEvent() {
  if (fd_ >= 0) close(fd_);
}

absl::Status WakeEvent::Open() {
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd_ < 0) return absl::ErrnoToStatus(errno, "eventfd");
  return absl::OkStatus();
}

void WakeEvent::Wake() {
  const uint64_t one = 1;
  // A full counter (EAGAIN) is a wake that has not been taken yet.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

bool WakeEvent::Wait(absl::Duration timeout, int also_fd) {
  pollfd fds[2] = {{fd_, POLLIN, 0}, {also_fd, POLLIN, 0}};  // poll() skips -1
  const timespec span = absl::ToTimespec(std::max(timeout, absl::ZeroDuration()));
  if (ppoll(fds, 2, &span, nullptr) <= 0) return false;
  if ((fds[0].revents & POLLIN) != 0) {
    uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t taken = read(fd_, &wakes, sizeof wakes);
  }
  return (fds[1].revents & POLLIN) != 0;
}

}  // namespace curatord
