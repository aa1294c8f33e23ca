// The listener itself: restarts, ports, and followers of many leaders. The leaders
// are keys that the test puts into the store.
#include "server/listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "metropolis/storage.pb.h"
#include "server/listener/listening_sockets.h"
#include "server/store/keys.h"
#include "tests/cluster/test_curator.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::MemoryStore;
using testing_support::Succeeded;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;
namespace api = testing_support::api;

// Something else that listens on host:7835.
class OccupiedPort {
 public:
  explicit OccupiedPort(const std::string& host)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7835);
    EXPECT_EQ(::inet_pton(AF_INET, host.c_str(), &address.sin_addr), 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
  }
  ~OccupiedPort() { ::close(fd_); }

 private:
  const int fd_;
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    SetAddress(&leader_1_, "10.0.0.1");
    SetAddress(&leader_2_, "10.0.0.2");
    cluster_.WriteTo(&store_, {&leader_1_, &leader_2_, &node_});
  }

  void SetAddress(TestNode* node, const std::string& address) {
    node->record.mutable_status()->set_external_address(address);
    node->record.mutable_status()->mutable_running_curator()->set_port(7000);
  }
  void Put(const TestNode& node) {
    ASSERT_TRUE(store_.Commit({}, cluster_.ContentsOf(node), absl::InfiniteFuture()).ok());
  }
  // A candidate key of that node: those that were put first lead first.
  std::string PutCandidate(int number, const std::string& node_id) {
    curator::storage::LeaderElectionValue value;
    value.set_node_id(node_id);
    const std::string key = absl::StrCat(keys::kLeaders, "test-", number);
    store_.Put(key, value.SerializeAsString());
    return key;
  }

  const TestCluster cluster_;
  TestNode leader_1_, leader_2_;
  const TestNode node_;
  MemoryStore store_;
  TestCurator curator_{&cluster_, &node_, &store_};
};

TEST_F(ListenerTest, AFollowerTellsEachNewAddressOfItsLeader) {
  PutCandidate(1, leader_1_.id());
  curator_.Start();
  const Client client = curator_.ConnectAs(absl::nullopt);
  Context context;
  auto stream = client.local->GetCurrentLeader(&context, {});
  api::GetCurrentLeaderResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.leader_host(), "10.0.0.1");
  EXPECT_EQ(response.leader_port(), 7000);
  leader_1_.record.mutable_status()->set_boot_id("news, but not of the address");
  Put(leader_1_);
  SetAddress(&leader_1_, "10.0.0.9");
  Put(leader_1_);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.leader_host(), "10.0.0.9");
  EXPECT_EQ(response.leader_node_id(), leader_1_.id());
  leader_1_.record.clear_status();
  Put(leader_1_);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
}

TEST_F(ListenerTest, AFollowerOfALeaderWithoutAnAddressSaysUnavailable) {
  PutCandidate(1, TestNode().id());  // no record at all
  curator_.Start();
  const Client client = curator_.ConnectAs(absl::nullopt);
  Context context;
  auto stream = client.local->GetCurrentLeader(&context, {});
  api::GetCurrentLeaderResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
}

// Follower of one leader, of another, of the first again under another term, and
// so on, each with calls in flight, and leader in the end.
TEST_F(ListenerTest, RestartsWithCallsInFlightAtEveryChangeOfRoleSlow) {
  constexpr int kLeaders = 50;
  constexpr int kCalls = 4;
  std::vector<std::string> candidates;
  for (int i = 0; i < kLeaders; ++i) {
    candidates.push_back(PutCandidate(i, (i % 3 == 0 ? leader_2_ : leader_1_).id()));
  }
  curator_.Start();
  for (int i = 0; i < kLeaders; ++i) {
    const std::string& leader_id = (i % 3 == 0 ? leader_2_ : leader_1_).id();
    const Client client = curator_.ConnectAs(absl::nullopt);
    std::vector<Context> contexts(kCalls);
    std::vector<std::unique_ptr<grpc::ClientReader<api::GetCurrentLeaderResponse>>> streams;
    api::GetCurrentLeaderResponse response;
    for (Context& context : contexts) {
      streams.push_back(client.local->GetCurrentLeader(&context, {}));
      ASSERT_TRUE(streams.back()->Read(&response)) << "after " << i << " changes";
      ASSERT_EQ(response.leader_node_id(), leader_id) << "after " << i << " changes";
    }
    store_.Delete(candidates[static_cast<size_t>(i)]);
    for (auto& stream : streams) {
      EXPECT_FALSE(stream->Read(&response));
      EXPECT_THAT(stream->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
    }
    // Until the new role is served: else the next call may meet the old server.
    ASSERT_FALSE(HasFailure());
    if (i + 1 < kLeaders) curator_.WaitToServe(Role::Kind::kFollower);
  }
  curator_.WaitToServe(Role::Kind::kLeader);
}

TEST_F(ListenerTest, AnswersCallsThatWaitForTheStoreWhenTheRoleChanges) {
  testing_support::FaultyStore slow(&store_);
  TestCurator curator(&cluster_, &node_, &slow);
  curator.Start();
  const Role role = curator.WaitToServe(Role::Kind::kLeader);
  const Client client = curator.ConnectAsOwner();
  slow.OnCommit([](const std::vector<Operation>& operations) {
    return operations.empty() ? testing_support::FaultyStore::Fault::kHoldRequest
                              : testing_support::FaultyStore::Fault::kNone;
  });
  Context context;
  metropolis::proto::api::GetClusterInfoResponse response;
  std::thread deposing([&] {
    slow.WaitUntilHeld(1);
    store_.Delete(role.lock_key);
  });
  // The store still holds the call when the server is long gone.
  EXPECT_THAT(client.management->GetClusterInfo(&context, {}, &response),
              HasCode(grpc::StatusCode::UNAVAILABLE));
  deposing.join();
  slow.OnCommit(nullptr);
  curator.WaitToServe(Role::Kind::kLeader, role.term);
  slow.Release();
}

TEST_F(ListenerTest, APortThatIsTakenIsNoticedAtStart) {
  const std::string host = testing_support::NewLoopbackAddress();
  EXPECT_TRUE(TryListening(host + ":7835").ok());
  EXPECT_TRUE(TryListening(host + ":7835").ok());
  OccupiedPort occupied(host);
  EXPECT_TRUE(absl::IsFailedPrecondition(TryListening(host + ":7835")));
  EXPECT_FALSE(TryListening("192.0.2.1:7835").ok());  // not this machine's
}

TEST_F(ListenerTest, ALeaderThatCannotListenLetsAnotherLeadSlow) {
  auto occupied = std::make_unique<OccupiedPort>(curator_.host());
  TestCurator other(&cluster_, &leader_1_, &store_);
  curator_.Start();
  other.Start();
  other.WaitToServe(Role::Kind::kLeader);
  occupied.reset();
  EXPECT_EQ(curator_.WaitToServe(Role::Kind::kFollower).leader_id, leader_1_.id());
}

TEST_F(ListenerTest, ANodeThatIsNotInTheClusterDoesNotLead) {
  const TestNode stranger;
  TestCurator curator(&cluster_, &stranger, &store_);
  curator.Start();
  curator.WaitFor(Role::Kind::kLeader);
  curator.WaitFor(Role::Kind::kNone);
  curator_.Start();
  curator_.WaitToServe(Role::Kind::kLeader);
}

TEST_F(ListenerTest, AnswersGarbageByClosingAndGoesOn) {
  curator_.Start();
  curator_.WaitToServe(Role::Kind::kLeader);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(7835);
  ASSERT_EQ(::inet_pton(AF_INET, curator_.host().c_str(), &to.sin_addr), 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  const std::string garbage = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(garbage.size()));
  char buffer[256];
  while (::recv(fd, buffer, sizeof(buffer), 0) > 0) {
  }
  ::close(fd);
  Context context;
  api::GetCACertificateResponse response;
  EXPECT_THAT(curator_.ConnectAs(absl::nullopt).local->GetCACertificate(&context, {}, &response),
              Succeeded());
}

// The state of a curator that has just started is empty for a moment.
TEST_F(ListenerTest, ACuratorThatKnowsNoCaYetSaysSo) {
  PutCandidate(1, leader_1_.id());
  store_.Delete(std::string(keys::kCaCertificate));
  curator_.Start();
  Context context;
  api::GetCACertificateResponse response;
  EXPECT_THAT(curator_.ConnectAs(absl::nullopt).local->GetCACertificate(&context, {}, &response),
              HasCode(grpc::StatusCode::UNAVAILABLE));
}

TEST_F(ListenerTest, IsDestroyedWhileBusy) {
  auto curator = std::make_unique<TestCurator>(&cluster_, &leader_1_, &store_);
  curator->Start();
  curator->WaitToServe(Role::Kind::kLeader);
  const Client client = curator->ConnectAsOwner();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&client] {
      grpc::Status status;
      do {
        Context context(testing_support::kEventually, /*wait_for_ready=*/false);
        metropolis::proto::api::GetClusterInfoResponse response;
        status = client.management->GetClusterInfo(&context, {}, &response);
      } while (status.ok());
      EXPECT_THAT(status, HasCode(grpc::StatusCode::UNAVAILABLE));
    });
  }
  curator.reset();
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace curatord
