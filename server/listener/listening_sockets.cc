#include "server/listener/listening_sockets.h"

#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/listener/peer_address.h"

namespace curatord {
namespace {

// More wait for a handshake than for a curator's thread, so it may be short; but while the
// role changes nobody accepts, and who finds it full waits a second for its next attempt.
constexpr int kBacklog = 1024;

constexpr int kReceiveBuffer = 32 << 10;

void Enable(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof(on));
}

// -1, and errno, if it cannot be listened on.
int OpenOne(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  Enable(fd, SOL_SOCKET, SO_REUSEADDR);
  // What is accepted inherits it. gRPC sets it only where it listens itself, and without
  // it the first answer on a connection takes 40 ms more.
  Enable(fd, IPPROTO_TCP, TCP_NODELAY);
  if (address->sa_family == AF_INET6) {
    const int v6_only = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  // Inherited by what is accepted: so much of a peer's waits in the kernel, where no account
  // sees what it costs to work through.
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  if (::bind(fd, address, size) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

absl::Status CannotListen(const std::string& address, absl::string_view cause) {
  return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", address, ": ", cause));
}

// In any notation: 0.0.0.0, ::, 0:0:0:0:0:0:0:0.
bool IsAnyAddress(const std::string& host) {
  const absl::optional<PeerAddress> ip = PeerAddress::FromIp(host);
  return ip.has_value() && std::all_of(ip->ip.begin() + (ip->is_ipv4() ? 12 : 0), ip->ip.end(),
                                       [](unsigned char byte) { return byte == 0; });
}

}  // namespace

absl::StatusOr<ListeningSockets> ListeningSockets::Open(const std::string& address) {
  const absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(address);
  if (!endpoint.ok()) return endpoint.status();
  ListeningSockets sockets;
  if (IsAnyAddress(endpoint->host)) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(static_cast<uint16_t>(endpoint->port));
    const int fd = OpenOne(reinterpret_cast<const sockaddr*>(&any), sizeof(any));
    if (fd >= 0) {
      sockets.fds_.push_back(fd);
      return sockets;
    }
    if (errno == EADDRINUSE) return CannotListen(address, std::strerror(errno));
    // No IPv6 on this machine.
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string host = IsAnyAddress(endpoint->host) ? "0.0.0.0" : endpoint->host;
  if (const int error =
          ::getaddrinfo(host.c_str(), absl::StrCat(endpoint->port).c_str(), &hints, &found);
      error != 0) {
    return CannotListen(address, ::gai_strerror(error));
  }
  int last_error = 0;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    const int fd = OpenOne(entry->ai_addr, entry->ai_addrlen);
    if (fd >= 0) {
      sockets.fds_.push_back(fd);
    } else {
      last_error = errno;
    }
  }
  ::freeaddrinfo(found);
  if (sockets.fds_.empty()) return CannotListen(address, std::strerror(last_error));
  return sockets;
}

void ListeningSockets::Close() {
  for (const int fd : fds_) {
    // A thread that waits on it keeps a closed socket listening.
    ::shutdown(fd, SHUT_RDWR);
    ::close(fd);
  }
  fds_.clear();
}

curator::core::Endpoint OwnEndpoint(const std::string& listen_address) {
  absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(listen_address);
  if (!endpoint.ok()) return curator::core::Endpoint();
  // A wildcard of IPv6 takes IPv4 as well, and a machine may have no other.
  if (IsAnyAddress(endpoint->host)) endpoint->host = "127.0.0.1";
  return *std::move(endpoint);
}

absl::Status TryListening(const std::string& listen_address) {
  return ListeningSockets::Open(listen_address).status();
}

}  // namespace curatord
