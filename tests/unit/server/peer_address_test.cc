#include "server/listener/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "gtest/gtest.h"

namespace curatord {
namespace {

sockaddr_storage V6Socket(const char* ip, uint16_t port) {
  sockaddr_storage storage{};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, ip, &v6.sin6_addr), 1);
  return storage;
}

TEST(PeerAddress, IsTheSameOfTheSocketAndOfWhatGrpcCallsIt) {
  const struct {
    const char* ip;
    const char* grpc;
  } cases[] = {
      {"::ffff:10.0.0.1", "ipv4:10.0.0.1:4711"},
      {"::ffff:10.0.0.1", "ipv6:%5B::ffff:10.0.0.1%5D:4711"},
      {"fd00::1", "ipv6:%5Bfd00::1%5D:4711"},
      {"fd00::1", "ipv6:[fd00::1]:4711"},
      {"fe80::1", "ipv6:%5Bfe80::1%25eth0%5D:4711"},
  };
  for (const auto& c : cases) {
    const auto of_socket = PeerAddress::FromSocket(V6Socket(c.ip, 4711));
    const auto of_grpc = PeerAddress::FromGrpc(c.grpc);
    ASSERT_TRUE(of_socket.has_value() && of_grpc.has_value()) << c.grpc;
    EXPECT_EQ(*of_socket, *of_grpc) << c.grpc;
  }
}

TEST(PeerAddress, OfWhatIsNoAddressThereIsNone) {
  for (const char* peer : {"", "unix:/tmp/x", "ipv4:", "ipv4:10.0.0.1", "ipv4:host:1",
                           "ipv6:%5Bfd00::1%5D", "ipv6:%5D:1"}) {
    EXPECT_FALSE(PeerAddress::FromGrpc(peer).has_value()) << peer;
  }
}

TEST(PeerAddress, AddressesOfOneIpv6NetworkHaveOneOrigin) {
  EXPECT_EQ(PeerAddress::FromIp("fd00::1")->Origin(), PeerAddress::FromIp("fd00::2:3")->Origin());
  EXPECT_FALSE(PeerAddress::FromIp("fd00::1")->Origin() ==
               PeerAddress::FromIp("fd00:0:0:1::1")->Origin());
  EXPECT_FALSE(PeerAddress::FromIp("10.0.0.1")->Origin() ==
               PeerAddress::FromIp("10.0.0.2")->Origin());
  EXPECT_EQ(PeerAddress::FromGrpc("ipv4:10.0.0.1:1")->Origin(),
            PeerAddress::FromGrpc("ipv4:10.0.0.1:2")->Origin());
}

TEST(PeerAddress, IsShownAsPeopleWriteIt) {
  EXPECT_EQ(PeerAddress::FromIp("10.0.0.1")->IpText(), "10.0.0.1");
  EXPECT_EQ(PeerAddress::FromIp("fd00:0::1")->IpText(), "fd00::1");
}

}  // namespace
}  // namespace curatord
