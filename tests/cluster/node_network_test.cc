// UpdateNodeClusterNetworking and GetConsensusStatus over the wire.
#include <string>

#include "absl/strings/escaping.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;

class ClusterNetworking : public testing_support::LeaderServerTest {
 protected:
  ClusterNetworking() {
    node_.record.mutable_status()->set_external_address("10.1.2.3");
    Put(node_);
    request_.mutable_clusternet()->set_wireguard_pubkey(absl::Base64Escape(std::string(32, 'a')));
    request_.mutable_clusternet()->add_prefixes()->set_cidr("10.200.0.0/24");
  }
  grpc::Status Update(const Client& client) {
    Context context;
    api::UpdateNodeClusterNetworkingResponse response;
    return client.curator->UpdateNodeClusterNetworking(&context, request_, &response);
  }

  TestNode node_;
  api::UpdateNodeClusterNetworkingRequest request_;
};

TEST_F(ClusterNetworking, IsOfTheCallerAndShowsInWatches) {
  ASSERT_THAT(Update(AsNode(node_)), Succeeded());
  EXPECT_EQ(Stored(node_.id()).clusternet().SerializeAsString(),
            request_.clusternet().SerializeAsString());
  Context context;
  api::WatchRequest request;
  request.mutable_node_in_cluster()->set_node_id(node_.id());
  const Client owner = AsOwner();
  auto watch = owner.curator->Watch(&context, request);
  api::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.nodes(0).clusternet().SerializeAsString(),
            request_.clusternet().SerializeAsString());
  context->TryCancel();
  watch->Finish();
}

TEST_F(ClusterNetworking, IsForNodesOnly) {
  EXPECT_THAT(Update(AsOwner()), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Update(AsNobody()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_FALSE(Stored(node_.id()).has_clusternet());
}

TEST_F(ClusterNetworking, RefusesWhatTheProtocolDoes) {
  const Client client = AsNode(node_);
  request_.mutable_clusternet()->mutable_prefixes(0)->set_cidr("10.200.0.1/24");
  EXPECT_THAT(Update(client), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  request_.clear_clusternet();
  EXPECT_THAT(Update(client), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_FALSE(Stored(node_.id()).has_clusternet());
  request_.mutable_clusternet()->set_wireguard_pubkey(absl::Base64Escape(std::string(32, 'b')));
  EXPECT_THAT(Update(AsNode(leader_node_)), HasCode(grpc::StatusCode::FAILED_PRECONDITION))
      << "it has told no status yet";
}

class GetConsensusStatus : public testing_support::LeaderServerTest {
 protected:
  grpc::Status Get(const Client& client) {
    Context context;
    return client.curator->GetConsensusStatus(&context, {}, &response_);
  }
  using Member = api::GetConsensusStatusResponse::EtcdMember;

  const Client owner_ = AsOwner();
  api::GetConsensusStatusResponse response_;
};

TEST_F(GetConsensusStatus, TellsTheMembersOfTheStore) {
  store_.SetMembers({{"a", false}, {"b", true}});
  ASSERT_THAT(Get(owner_), Succeeded());
  ASSERT_EQ(response_.etcd_member_size(), 2);
  EXPECT_EQ(response_.etcd_member(0).id(), "a");
  EXPECT_EQ(response_.etcd_member(0).status(), Member::STATUS_FULL);
  EXPECT_EQ(response_.etcd_member(1).id(), "b");
  EXPECT_EQ(response_.etcd_member(1).status(), Member::STATUS_LEARNER);
}

TEST_F(GetConsensusStatus, OfAStoreWithoutConsensusIsTheLeaderAlone) {
  ASSERT_THAT(Get(AsNode(leader_node_)), Succeeded());
  ASSERT_EQ(response_.etcd_member_size(), 1);
  EXPECT_EQ(response_.etcd_member(0).id(), leader_node_.id());
  EXPECT_EQ(response_.etcd_member(0).status(), Member::STATUS_FULL);
}

TEST_F(GetConsensusStatus, OfAStoreThatDoesNotTellIsAnInternalError) {
  store_.FailMembers(absl::UnavailableError("no endpoint answers"));
  EXPECT_THAT(Get(owner_), HasCode(grpc::StatusCode::INTERNAL));
}

TEST_F(GetConsensusStatus, OfADeposedLeaderIsRefused) {
  Depose();
  EXPECT_THAT(Get(owner_), FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

TEST_F(GetConsensusStatus, IsForMembersOnly) {
  EXPECT_THAT(Get(AsNobody()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

using IssueCertificate = testing_support::LeaderServerTest;

TEST_F(IssueCertificate, OfKubernetesSaysInASentenceThatItIsNotServed) {
  const auto result =
      CallGeneric(AsOwner(), "/metropolis.node.core.curator.proto.api.Curator/IssueCertificate");
  EXPECT_THAT(result.status, FailsWith(grpc::StatusCode::UNIMPLEMENTED, "UNSUPPORTED"));
  EXPECT_GT(result.status.error_message().size(), 20u);
}

}  // namespace
}  // namespace curatord
