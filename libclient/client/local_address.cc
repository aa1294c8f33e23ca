#include "libclient/client/local_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace curator {
namespace {

std::string ToText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const void* raw =
      address.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&address)->sin_addr);
  return inet_ntop(address.ss_family, raw, text, sizeof(text)) == nullptr ? "" : text;
}

// Connecting a UDP socket chooses the route and sends nothing.
std::string LocalAddressTowards(const addrinfo& remote) {
  const int fd = socket(remote.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  const absl::Cleanup closing = [fd] { close(fd); };
  sockaddr_storage local = {};
  socklen_t size = sizeof(local);
  if (connect(fd, remote.ai_addr, remote.ai_addrlen) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
    return "";
  }
  return ToText(local);
}

}  // namespace

absl::StatusOr<std::string> LocalAddressTowards(const core::Endpoint& endpoint) {
  addrinfo wanted = {};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &wanted, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot look up ", endpoint.host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const addrinfo* remote = found; remote != nullptr; remote = remote->ai_next) {
    std::string local = LocalAddressTowards(*remote);
    if (!local.empty()) return local;
  }
  return absl::UnavailableError(absl::StrCat("no route to ", endpoint.ToString()));
}

bool IsIpAddress(absl::string_view text) {
  const std::string address(text);
  unsigned char raw[sizeof(in6_addr)];
  return inet_pton(AF_INET, address.c_str(), raw) == 1 ||
         inet_pton(AF_INET6, address.c_str(), raw) == 1;
}

}  // namespace curator
