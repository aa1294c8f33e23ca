#include "server/connection_acceptor.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/core/endpoint.h"
#include "server/log.h"

namespace curatord {
namespace {

// What the kernel keeps of connections that are not accepted yet.
constexpr int kBacklog = 4096;
// Data that a peer does not acknowledge for so long ends its connection.
constexpr int kUserTimeoutMs = 10000;
constexpr absl::Duration kPauseWithoutFiles = absl::Milliseconds(100);

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

void SetOption(int socket, int level, int name, int value) {
  // Worth having, and no reason not to serve.
  [[maybe_unused]] const int result = ::setsockopt(socket, level, name, &value, sizeof value);
}

// Options that matter for connections are set here: they inherit them.
absl::Status Open(const addrinfo& address, int socket) {
  SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  if (address.ai_family == AF_INET6) SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(socket, address.ai_addr, address.ai_addrlen) != 0) {
    return errno == EADDRINUSE
               ? absl::FailedPreconditionError("the port is taken")
               : absl::InvalidArgumentError(absl::ErrnoToStatus(errno, "bind").message());
  }
  if (::listen(socket, kBacklog) != 0) {
    return errno == EADDRINUSE ? absl::FailedPreconditionError("the port is taken")
                               : absl::ErrnoToStatus(errno, "listen");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Listen(
    const std::string& address) {
  const auto failed = [&address](const absl::Status& why) {
    return absl::Status(why.code(),
                        absl::StrCat("cannot listen on ", address, ": ", why.message()));
  };
  const absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(address);
  if (!endpoint.ok()) return failed(endpoint.status());
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(endpoint->host.c_str(), absl::StrCat(endpoint->port).c_str(),
                                      &wanted, &found);
      error != 0) {
    return failed(absl::InvalidArgumentError(::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return failed(absl::ErrnoToStatus(errno, "socket"));
  std::unique_ptr<ConnectionAcceptor> acceptor(new ConnectionAcceptor(socket));
  if (absl::Status open = Open(*found, socket); !open.ok()) return failed(open);
  if (absl::Status open = acceptor->wake_.Open(); !open.ok()) return failed(open);
  return acceptor;
}

ConnectionAcceptor::~ConnectionAcceptor() { Stop(); }

void ConnectionAcceptor::Start(std::function<void(int socket)> take) {
  take_ = std::move(take);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionAcceptor::Stop() {
  stopping_ = true;
  if (thread_.joinable()) {
    wake_.Wake();
    thread_.join();
  }
  if (listener_ >= 0) ::close(std::exchange(listener_, -1));
}

void ConnectionAcceptor::Run() {
  bool out_of_files = false;
  while (!stopping_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
      out_of_files = false;
      take_(connection);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        wake_.Wait(absl::InfiniteDuration(), listener_);
        break;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        if (!std::exchange(out_of_files, true)) {
          LogError("cannot accept connections",
                   {{"error", absl::ErrnoToStatus(errno, "accept").message()}});
        }
        wake_.Wait(kPauseWithoutFiles);
        break;
      default:
        break;  // of a connection that is gone already
    }
  }
}

}  // namespace curatord
