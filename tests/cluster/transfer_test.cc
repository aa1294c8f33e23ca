// ClusterOperations.TransferLeadership.
#include <memory>
#include <string>

#include "curator/v1/cluster_operations.grpc.pb.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"
#include "tests/cluster/test_curator.h"

namespace curatord {
namespace {

using curator::v1::ClusterOperations;
using curator::v1::TransferLeadershipRequest;
using curator::v1::TransferLeadershipResponse;
using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;

grpc::Status Transfer(const Client& client, const std::string& to,
                      TransferLeadershipResponse* response) {
  Context context;
  TransferLeadershipRequest request;
  request.set_to_node_id(to);
  return ClusterOperations::NewStub(client.channel)
      ->TransferLeadership(&context, request, response);
}

// A leader alone, on a store in memory, among candidates that the test makes up.
class TransferDecision : public testing_support::LeaderServerTest {
 protected:
  TransferDecision() {
    Put(other_);
    Put(third_);
    PutKey("/leader/b", "");
    PutKey("/leader/c", "");
    candidates_ = {{leader_node_.id(), kLockKey, term_},
                   {other_.id(), "/leader/b", term_ + 1000},
                   {third_.id(), "/leader/c", term_ + 2000}};
  }
  grpc::Status Ask(const std::string& to) { return Transfer(AsOwner(), to, &response_); }
  bool Stands(const std::string& key) const { return memory_.contents().contains(key); }

  const TestNode other_, third_;
  TransferLeadershipResponse response_;
};

TEST_F(TransferDecision, HandsOverToWhoHasWaitedLongest) {
  ASSERT_THAT(Ask(""), Succeeded());
  EXPECT_EQ(response_.leader_node_id(), other_.id());
  EXPECT_FALSE(Stands(kLockKey));
  EXPECT_TRUE(Stands("/leader/b"));
  EXPECT_TRUE(Stands("/leader/c"));
}

TEST_F(TransferDecision, TakesThoseBeforeTheChosenOneOutOfTheQueue) {
  ASSERT_THAT(Ask(third_.id()), Succeeded());
  EXPECT_EQ(response_.leader_node_id(), third_.id());
  EXPECT_FALSE(Stands(kLockKey));
  EXPECT_FALSE(Stands("/leader/b"));
  EXPECT_TRUE(Stands("/leader/c"));
}

TEST_F(TransferDecision, ToTheLeaderItselfDoesNothing) {
  ASSERT_THAT(Ask(leader_node_.id()), Succeeded());
  EXPECT_EQ(response_.leader_node_id(), leader_node_.id());
  EXPECT_TRUE(Stands(kLockKey));
}

TEST_F(TransferDecision, RefusesWhomItCannotHandOverTo) {
  const TestNode unknown;
  EXPECT_THAT(Ask(unknown.id()), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_THAT(Ask("nonsense"), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  candidates_.pop_back();
  EXPECT_THAT(Ask(third_.id()), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  candidates_.pop_back();
  EXPECT_THAT(Ask(""), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  EXPECT_TRUE(Stands(kLockKey));
}

TEST_F(TransferDecision, IsNotForNodes) {
  const Client client = AsNode(other_);
  EXPECT_THAT(Transfer(client, "", &response_), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_TRUE(Stands(kLockKey));
}

}  // namespace
}  // namespace curatord
