// Where a connection comes from: IP address and port of the peer. An IPv4 address and
// the same one mapped into IPv6 are equal.
#ifndef SERVER_LISTENER_PEER_ADDRESS_H_
#define SERVER_LISTENER_PEER_ADDRESS_H_

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curatord {

struct PeerAddress {
  std::array<unsigned char, 16> ip{};
  int port = 0;

  static absl::optional<PeerAddress> FromSocket(const sockaddr_storage& address);
  // As gRPC names a peer: "ipv4:10.0.0.1:4711", "ipv6:%5Bfd00::1%5D:4711".
  static absl::optional<PeerAddress> FromGrpc(absl::string_view peer);
  // "10.0.0.1", "fd00::1"; port 0.
  static absl::optional<PeerAddress> FromIp(const std::string& ip);

  bool is_ipv4() const;
  // What counts as one address where connections are counted by address: of IPv6 the
  // network of 64 bits, since whoever has one address there has all of them.
  PeerAddress Origin() const;
  std::string IpText() const;

  friend bool operator==(const PeerAddress& a, const PeerAddress& b) {
    return a.port == b.port && a.ip == b.ip;
  }
  template <typename H>
  friend H AbslHashValue(H hash, const PeerAddress& address) {
    return H::combine(std::move(hash), address.ip, address.port);
  }
};

}  // namespace curatord

#endif  // SERVER_LISTENER_PEER_ADDRESS_H_
