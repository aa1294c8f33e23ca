#include "server/listener/connection.h"

#include <fcntl.h>
// Not netinet/tcp.h: its tcp_info ends before the bytes are counted.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "server/limits.h"

namespace curatord {
namespace {

// Pings, and what they are wrapped in: a client that pings each second sends a tenth.
constexpr int64_t kFreeBytesPerSecond = 1024;
// A peer that reads a long listing opens its window again and again.
constexpr int64_t kSentBytesPerFreeByte = 8;

// What has arrived and was not read yet is not gRPC's to work through any more. Bounded:
// what comes after the shutdown is refused by the kernel.
void Drop(int fd) {
  constexpr int kMostReads = 64;
  for (int i = 0; i < kMostReads; ++i) {
    if (::recv(fd, nullptr, 1 << 20, MSG_DONTWAIT | MSG_TRUNC) <= 0) return;
  }
}

ino_t InodeOf(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

}  // namespace

Connection::Connection(int fd, const PeerAddress& peer, absl::Duration now)
    : fd_(fd),
      peer_(peer),
      accepted_at_(now),
      inode_(InodeOf(fd)),
      active_at_(absl::ToInt64Nanoseconds(now)),
      looked_at_(now) {}

void Connection::Pay(int64_t bytes, absl::Duration now) {
  paid_.fetch_add(bytes, std::memory_order_relaxed);
  active_at_.store(absl::ToInt64Nanoseconds(now), std::memory_order_relaxed);
}

void Connection::Fine(int64_t bytes) {
  paid_.fetch_sub(bytes, std::memory_order_relaxed);
  fined_.fetch_add(bytes, std::memory_order_relaxed);
}

int64_t Connection::Look(absl::Duration now) {
  // Before the bytes are read: what is paid by then was received by then.
  int64_t paid = paid_.load(std::memory_order_relaxed);
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;  // gone
  const auto sent = static_cast<int64_t>(info.tcpi_bytes_acked);
  const int64_t free = absl::ToInt64Milliseconds(now - looked_at_) * kFreeBytesPerSecond / 1000 +
                       std::max<int64_t>(sent - sent_, 0) / kSentBytesPerFreeByte;
  looked_at_ = now;
  sent_ = sent;
  paid_.fetch_add(free, std::memory_order_relaxed);
  paid += free;
  owed_ = static_cast<int64_t>(info.tcpi_bytes_received) - paid;
  if (owed_ < 0) {
    paid_.fetch_add(owed_, std::memory_order_relaxed);
    owed_ = 0;
    fined_.store(0, std::memory_order_relaxed);
  }
  return owed_;
}

bool Connection::OwesTooMuch() const {
  return owed_ > (is_member() ? kUnpaidBytesOfMember : kUnpaidBytesOfStranger);
}

absl::Duration Connection::OwedFor(absl::Duration now) const {
  const int64_t fined = fined_.load(std::memory_order_relaxed);
  return owed_ - fined > kStalledBytes ? now - last_active() : absl::ZeroDuration();
}

absl::Duration Connection::IdleFor(absl::Duration now) const {
  return open_calls_.load(std::memory_order_relaxed) == 0 ? now - last_active()
                                                          : absl::ZeroDuration();
}

bool Connection::IsGone() const { return InodeOf(fd_) != inode_; }

void Connection::Cut() {
  // The copy pins whatever the number stands for now, until it was looked at.
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  const int pinned = copy >= 0 ? copy : fd_;  // out of descriptors: almost as good
  if (InodeOf(pinned) == inode_) {
    ::shutdown(pinned, SHUT_RDWR);
    Drop(pinned);
  }
  if (copy >= 0) ::close(copy);
}

}  // namespace curatord
