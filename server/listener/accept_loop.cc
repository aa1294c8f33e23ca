#include "server/listener/accept_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "server/boot_clock.h"
#include "server/log.h"

namespace curatord {
namespace {

constexpr absl::Duration kLongestPause = absl::Seconds(1);
// So late may what a peer sends be looked at; more often costs a thread's change for each
// packet.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(5);
// When even the spare descriptor is gone, to whatever else the process opens.
constexpr absl::Duration kWithoutDescriptors = absl::Milliseconds(20);
constexpr absl::Duration kBetweenSweeps = absl::Seconds(1);
// Between two looks, so that a flood of connections does not keep them from happening.
constexpr int kAcceptedAtOnce = 64;

int OpenSpare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

// With a reset: nothing of it stays behind, on either side.
void Reset(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(fd);
}

}  // namespace

AcceptLoop::AcceptLoop(std::string address, const ConnectionBounds& bounds)
    : address_(std::move(address)),
      connections_(bounds),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      spare_fd_(OpenSpare()),
      thread_([this] { Run(); }) {}

AcceptLoop::~AcceptLoop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  ::close(wake_fd_);
  ::close(watch_fd_);
  if (spare_fd_ >= 0) ::close(spare_fd_);
}

absl::Status AcceptLoop::Open() {
  absl::MutexLock lock(&mutex_);
  paused_at_ = BootTime();
  if (!sockets_.fds().empty()) return absl::OkStatus();
  absl::StatusOr<ListeningSockets> opened = ListeningSockets::Open(address_);
  if (!opened.ok()) return opened.status();
  sockets_ = *std::move(opened);
  return absl::OkStatus();
}

void AcceptLoop::Serve(std::unique_ptr<Acceptor> acceptor) {
  {
    absl::MutexLock lock(&mutex_);
    acceptor_ = std::move(acceptor);
  }
  Wake();
}

std::unique_ptr<AcceptLoop::Acceptor> AcceptLoop::Pause() {
  absl::MutexLock lock(&mutex_);
  paused_at_ = BootTime();
  Wake();  // that there is a time to close the sockets
  return std::move(acceptor_);
}

void AcceptLoop::Close() {
  absl::MutexLock lock(&mutex_);
  sockets_.Close();
}

void AcceptLoop::Wake() {
  const uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void AcceptLoop::Run() {
  absl::Duration next_look = BootTime();
  absl::Duration next_sweep = next_look + kBetweenSweeps;
  std::vector<pollfd> waiting;
  for (;;) {
    waiting = {{wake_fd_, POLLIN, 0}};
    absl::Duration until = next_sweep;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      if (acceptor_ != nullptr && BootTime() < accept_again_at_) {
        until = std::min(until, accept_again_at_);
      } else if (acceptor_ != nullptr) {
        for (const int fd : sockets_.fds()) waiting.push_back({fd, POLLIN, 0});
      } else if (!sockets_.fds().empty()) {
        until = std::min(until, paused_at_ + kLongestPause);
      }
    }
    const size_t listeners = waiting.size();
    if (BootTime() >= next_look) {
      waiting.push_back({watch_fd_, POLLIN, 0});
    } else {
      until = std::min(until, next_look);
    }
    const timespec timeout = absl::ToTimespec(std::max(until - BootTime(), absl::ZeroDuration()));
    if (::ppoll(waiting.data(), waiting.size(), &timeout, nullptr) < 0) continue;
    uint64_t woken;
    if (waiting[0].revents != 0 && ::read(wake_fd_, &woken, sizeof(woken)) < 0) continue;
    AcceptThoseWaiting();
    CloseIfPausedForTooLong();
    if (waiting.size() > listeners && waiting[listeners].revents != 0) {
      LookAtThoseThatSent();
      next_look = BootTime() + kBetweenLooks;
    }
    if (BootTime() >= next_sweep) {
      connections_.Sweep(BootTime());
      next_sweep = BootTime() + kBetweenSweeps;
    }
  }
}

void AcceptLoop::CloseIfPausedForTooLong() {
  absl::MutexLock lock(&mutex_);
  if (acceptor_ != nullptr || sockets_.fds().empty()) return;
  if (BootTime() >= paused_at_ + kLongestPause) sockets_.Close();
}

void AcceptLoop::AcceptThoseWaiting() {
  absl::MutexLock lock(&mutex_);
  if (acceptor_ == nullptr) return;
  for (const int listener : sockets_.fds()) {
    for (int i = 0; i < kAcceptedAtOnce && AcceptOne(listener); ++i) {
    }
  }
}

bool AcceptLoop::AcceptOne(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE) AcceptWithoutDescriptors(listener);
    return errno == ECONNABORTED || errno == EINTR;
  }
  const absl::optional<PeerAddress> peer = PeerAddress::FromSocket(address);
  // One that is gone already gRPC would log as an error each time.
  if (!peer.has_value() || ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    ::close(fd);
    return true;
  }
  if (connections_.Admit(fd, *peer, BootTime()) == nullptr) {
    Reset(fd);
    return true;
  }
  // Ours beside gRPC's own; closing the connection takes it out.
  epoll_event watched{};
  watched.events = EPOLLIN | EPOLLET;
  watched.data.fd = fd;
  ::epoll_ctl(watch_fd_, EPOLL_CTL_ADD, fd, &watched);
  Acceptor::NewConnectionParameters connection;
  connection.listener_fd = listener;
  connection.fd = fd;
  acceptor_->HandleNewConnection(&connection);
  return true;
}

void AcceptLoop::AcceptWithoutDescriptors(int listener) {
  if (spare_fd_ >= 0) ::close(spare_fd_);
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC);
  if (fd >= 0) {
    Reset(fd);
    connections_.turned_away()->Count(TurnedAway::kDescriptors,
                                      PeerAddress::FromSocket(address).value_or(PeerAddress()));
  }
  spare_fd_ = OpenSpare();
  if (spare_fd_ < 0) accept_again_at_ = BootTime() + kWithoutDescriptors;
}

void AcceptLoop::LookAtThoseThatSent() {
  epoll_event events[512];
  const int count = ::epoll_wait(watch_fd_, events, std::size(events), 0);
  const absl::Duration now = BootTime();
  for (int i = 0; i < count; ++i) connections_.Look(events[i].data.fd, now);
}

}  // namespace curatord
