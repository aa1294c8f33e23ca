#include "server/listener/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace curatord {
namespace {

constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

PeerAddress FromV4(const in_addr& ip, int port) {
  PeerAddress address;
  std::memcpy(address.ip.data(), kMapped, sizeof(kMapped));
  std::memcpy(address.ip.data() + sizeof(kMapped), &ip, sizeof(ip));
  address.port = port;
  return address;
}

PeerAddress FromV6(const in6_addr& ip, int port) {
  PeerAddress address;
  std::memcpy(address.ip.data(), &ip, sizeof(ip));
  address.port = port;
  return address;
}

}  // namespace

absl::optional<PeerAddress> PeerAddress::FromSocket(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return FromV4(v4.sin_addr, ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return FromV6(v6.sin6_addr, ntohs(v6.sin6_port));
  }
  return absl::nullopt;
}

absl::optional<PeerAddress> PeerAddress::FromGrpc(absl::string_view peer) {
  const bool is_v4 = absl::ConsumePrefix(&peer, "ipv4:");
  if (!is_v4 && !absl::ConsumePrefix(&peer, "ipv6:")) return absl::nullopt;
  const size_t colon = peer.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(peer.substr(colon + 1), &port)) {
    return absl::nullopt;
  }
  std::string host(peer.substr(0, colon));
  if (!is_v4) {
    host = absl::StrReplaceAll(host, {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
    host = host.substr(0, host.find('%'));  // a zone, of a link-local address
  }
  absl::optional<PeerAddress> address = FromIp(host);
  if (address.has_value()) address->port = port;
  return address;
}

absl::optional<PeerAddress> PeerAddress::FromIp(const std::string& ip) {
  in_addr v4;
  if (::inet_pton(AF_INET, ip.c_str(), &v4) == 1) return FromV4(v4, 0);
  in6_addr v6;
  if (::inet_pton(AF_INET6, ip.c_str(), &v6) == 1) return FromV6(v6, 0);
  return absl::nullopt;
}

bool PeerAddress::is_ipv4() const { return std::memcmp(ip.data(), kMapped, sizeof(kMapped)) == 0; }

PeerAddress PeerAddress::Origin() const {
  PeerAddress origin = *this;
  origin.port = 0;
  if (!is_ipv4()) std::fill(origin.ip.begin() + 8, origin.ip.end(), 0);
  return origin;
}

std::string PeerAddress::IpText() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_ipv4()) {
    ::inet_ntop(AF_INET, ip.data() + sizeof(kMapped), text, sizeof(text));
  } else {
    ::inet_ntop(AF_INET6, ip.data(), text, sizeof(text));
  }
  return text;
}

}  // namespace curatord
