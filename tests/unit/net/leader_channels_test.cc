// Further connections to a leader: when there are any, and that it proves itself on each.
#include "libclient/net/leader_channels.h"

#include <thread>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "libclient/identity/tls_credentials.h"
#include "libclient/net/monotonic.h"
#include "tests/unit/net/client_fixture.h"

namespace curator::net {
namespace {

using testing_support::ClientTest;
using testing_support::ScriptedCurator;
using Proof = ScriptedCurator::Proof;
using Places = std::vector<std::unique_ptr<LeaderChannels::Place>>;

// Connects to nothing before it is used.
std::shared_ptr<grpc::Channel> Unused() {
  return grpc::CreateChannel("ipv4:127.0.0.1:1", grpc::InsecureChannelCredentials());
}

core::Instant Soon() { return core::After(Now(), absl::Seconds(20)); }

TEST(LeaderChannels, AFurtherConnectionCarriesWhatTheFirstHasNoRoomFor) {
  int opened = 0;
  const auto first = Unused();
  const auto channels = std::make_shared<LeaderChannels>(
      first, [&](core::Instant, const std::vector<std::stop_token>&) {
        ++opened;
        return Unused();
      });
  Places places;
  for (int i = 0; i < LeaderChannels::kMostCalls; ++i) {
    places.push_back(channels->Take(Soon(), {}));
    EXPECT_EQ(places.back()->channel(), first);
  }
  EXPECT_EQ(opened, 0);
  places.push_back(channels->Take(Soon(), {}));
  EXPECT_NE(places.back()->channel(), first);
  places.front().reset();
  places.push_back(channels->Take(Soon(), {}));
  EXPECT_EQ(places.back()->channel(), first);
  EXPECT_EQ(opened, 1);
}

TEST(LeaderChannels, NoneIsOverfullWhereManyComeAtOnce) {
  std::atomic<int> opened{0};
  const auto channels = std::make_shared<LeaderChannels>(
      Unused(), [&](core::Instant, const std::vector<std::stop_token>&) {
        ++opened;
        return Unused();
      });
  Places places(300);
  std::vector<std::thread> threads;
  for (auto& place : places) threads.emplace_back([&] { place = channels->Take(Soon(), {}); });
  for (std::thread& thread : threads) thread.join();
  std::map<const grpc::Channel*, int> calls;
  for (const auto& place : places) ++calls[place->channel().get()];
  EXPECT_EQ(opened, 3);
  for (const auto& [channel, count] : calls) EXPECT_LE(count, LeaderChannels::kMostCalls);
}

TEST(LeaderChannels, WhereNoneCanBeHadTheFirstCarriesAll) {
  int tried = 0;
  const auto first = Unused();
  const auto channels = std::make_shared<LeaderChannels>(
      first,
      [&](core::Instant, const std::vector<std::stop_token>&) -> std::shared_ptr<grpc::Channel> {
        ++tried;
        return nullptr;
      });
  Places places;
  for (int i = 0; i < 200; ++i) {
    places.push_back(channels->Take(Soon(), {}));
    EXPECT_EQ(places.back()->channel(), first);
  }
  EXPECT_EQ(tried, 1);
}

class FurtherConnection : public ClientTest {
 protected:
  // To `curator`, of whose certificate the first connection was.
  std::shared_ptr<grpc::Channel> Open(const ScriptedCurator& curator, bool accept_unproven,
                                      const std::string& node_id) {
    ChannelOptions options;
    options.ca = ca_.ca();
    options.one_connection = true;
    core::Endpoint endpoint;
    endpoint.host = curator.host();
    const auto peer = std::make_shared<identity::PeerRecord>();
    identity::Verification seen;
    seen.name = node_id;
    peer->Set(seen, "", absl::nullopt);
    return OpenProved(endpoint, options, peer, accept_unproven)(Soon(), {});
  }
};

TEST_F(FurtherConnection, IsOneOnWhichTheLeaderProvesThatItLeads) {
  ScriptedCurator& curator = AddCurator();
  curator.Lead(7);
  EXPECT_NE(Open(curator, false, curator.node_id()), nullptr);
  EXPECT_EQ(Open(curator, true, AddCurator().node_id()), nullptr);  // another is there now

  curator.SetProof(Proof::kNone);
  EXPECT_EQ(Open(curator, false, curator.node_id()), nullptr);
  EXPECT_NE(Open(curator, true, curator.node_id()), nullptr);
  curator.SetProof(Proof::kOfOtherNonce);
  EXPECT_EQ(Open(curator, true, curator.node_id()), nullptr);

  ScriptedCurator& other = AddCurator();
  curator.Follow(other);
  EXPECT_EQ(Open(curator, true, curator.node_id()), nullptr);
}

}  // namespace
}  // namespace curator::net
