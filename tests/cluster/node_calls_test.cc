// What nodes call: the life of a node over the wire, and heartbeats.
#include <memory>
#include <string>

#include "curator/credentials.h"
#include "server/store/keys.h"
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
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class NodeCalls : public testing_support::LeaderServerTest {
 protected:
  grpc::Status Register(const Client& client, const TestNode& node) {
    Context context;
    api::RegisterNodeRequest request;
    request.set_register_ticket(cluster_.ticket);
    request.set_join_key(node.join_key.public_key());
    return client.curator->RegisterNode(&context, request, &registered_);
  }
  grpc::Status Approve(const TestNode& node) {
    Context context;
    mgmt::ApproveNodeRequest request;
    request.set_pubkey(node.public_key());
    mgmt::ApproveNodeResponse response;
    return AsOwner().management->ApproveNode(&context, request, &response);
  }
  grpc::Status Commit(const Client& client) {
    Context context;
    api::CommitNodeRequest request;
    request.set_storage_security(common::NODE_STORAGE_SECURITY_ENCRYPTED);
    request.set_cluster_unlock_key(std::string(32, 'u'));
    return client.curator->CommitNode(&context, request, &committed_);
  }
  grpc::Status Join(const Client& client) {
    Context context;
    return client.curator->JoinNode(&context, {}, &joined_);
  }
  grpc::Status UpdateStatus(const Client& client, const std::string& id,
                            const std::string& address) {
    Context context;
    api::UpdateNodeStatusRequest request;
    request.set_node_id(id);
    if (!address.empty()) request.mutable_status()->set_external_address(address);
    api::UpdateNodeStatusResponse response;
    return client.curator->UpdateNodeStatus(&context, request, &response);
  }
  mgmt::Node Listed(const std::string& id) {
    Context context;
    auto stream = owner_.management->GetNodes(&context, {});
    mgmt::Node node, found;
    while (stream->Read(&node)) {
      if (node.id() == id) found = node;
    }
    EXPECT_THAT(stream->Finish(), Succeeded());
    return found;
  }

  const Client owner_ = AsOwner();
  api::RegisterNodeResponse registered_;
  api::CommitNodeResponse committed_;
  api::JoinNodeResponse joined_;
};

TEST_F(NodeCalls, TakeANodeThroughItsWholeLife) {
  const TestNode node(common::NODE_STATE_NEW);
  const Client client = AsKey(node.key);
  ASSERT_THAT(Register(client, node), Succeeded());
  EXPECT_EQ(registered_.tpm_usage(), common::NODE_TPM_USAGE_NOT_PRESENT);
  EXPECT_EQ(Listed(node.id()).state(), common::NODE_STATE_NEW);
  EXPECT_THAT(Commit(client), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Join(AsKey(node.join_key)), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  ASSERT_THAT(Approve(node), Succeeded());
  ASSERT_THAT(Commit(client), Succeeded());
  EXPECT_EQ(committed_.ca_certificate(), cluster_.pki.ca.der());
  auto certificate = curator::identity::Certificate::FromDer(committed_.node_certificate());
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  auto identity = curator::Identity::FromPem(certificate->pem(), node.key.ToPem());
  ASSERT_TRUE(identity.ok()) << identity.status();
  ASSERT_THAT(Commit(client), Succeeded());  // its answer was lost, say
  EXPECT_EQ(committed_.node_certificate(), certificate->der());

  const Client as_node = testing_support::Connect(address_, cluster_.ca(), *identity);
  ASSERT_THAT(UpdateStatus(as_node, node.id(), "10.0.0.5"), Succeeded());
  EXPECT_EQ(Listed(node.id()).state(), common::NODE_STATE_UP);
  EXPECT_EQ(Listed(node.id()).status().external_address(), "10.0.0.5");
  EXPECT_THAT(Commit(client), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  ASSERT_THAT(Join(AsKey(node.join_key)), Succeeded());
  EXPECT_EQ(joined_.cluster_unlock_key(), std::string(32, 'u'));
}

// The key must be proved by a certificate that proves no more than that.
TEST_F(NodeCalls, NeedTheKeyOfAnEphemeralCertificate) {
  const TestNode node(common::NODE_STATE_NEW);
  for (const Client& client : {AsNobody(), AsOwner(), AsNode(leader_node_)}) {
    EXPECT_THAT(Register(client, node), HasCode(grpc::StatusCode::UNAUTHENTICATED));
    EXPECT_THAT(Commit(client), HasCode(grpc::StatusCode::UNAUTHENTICATED));
    EXPECT_THAT(Join(client), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  }
  EXPECT_EQ(state_.FindNode(node.id()), nullptr);
}

TEST_F(NodeCalls, UpdateTheStatusOfTheCallerAlone) {
  const TestNode other;
  Put(other);
  const Client client = AsNode(leader_node_);
  EXPECT_THAT(UpdateStatus(client, other.id(), "10.0.0.1"),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(UpdateStatus(client, "", "10.0.0.1"), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(UpdateStatus(owner_, leader_node_.id(), "10.0.0.1"),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(UpdateStatus(AsKey(leader_node_.key), leader_node_.id(), "10.0.0.1"),
              HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(UpdateStatus(client, leader_node_.id(), ""),
              HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(UpdateStatus(client, leader_node_.id(), "a.example"),
              HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_FALSE(Stored(leader_node_.id()).has_status());
  EXPECT_THAT(UpdateStatus(client, leader_node_.id(), "10.0.0.1"), Succeeded());
  EXPECT_GT(Stored(leader_node_.id()).status().timestamp().seconds(), 1'700'000'000);
  Delete(keys::Node(leader_node_.id()));
  EXPECT_THAT(UpdateStatus(client, leader_node_.id(), "10.0.0.1"),
              HasCode(grpc::StatusCode::NOT_FOUND));
}

TEST_F(NodeCalls, OnADeposedLeaderChangeNothing) {
  const TestNode node(common::NODE_STATE_NEW);
  Depose();
  EXPECT_THAT(Register(AsKey(node.key), node),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_EQ(memory_.contents().count(keys::Node(node.id())), 0u);
}

TEST_F(NodeCalls, HeartbeatsAreAnsweredOneByOneUntilTheNodeHalfCloses) {
  Context context;
  const Client client = AsNode(leader_node_);
  auto stream = client.curator->Heartbeat(&context);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write({}));
    api::HeartbeatResponse response;
    ASSERT_TRUE(stream->Read(&response));
  }
  EXPECT_EQ(testing_support::TermIn(&context), term_);
  stream->WritesDone();
  api::HeartbeatResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), Succeeded());
}

TEST_F(NodeCalls, HeartbeatsAreForNodesOnly) {
  Context as_user, as_nobody;
  EXPECT_THAT(owner_.curator->Heartbeat(&as_user)->Finish(),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  const Client nobody = AsNobody();
  EXPECT_THAT(nobody.curator->Heartbeat(&as_nobody)->Finish(),
              HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(NodeCalls, HeartbeatsMakeTheHealthOfANode) {
  const TestNode fresh(common::NODE_STATE_NEW);
  Put(fresh);
  const std::string& id = leader_node_.id();
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_UNKNOWN);
  EXPECT_FALSE(Listed(id).has_time_since_heartbeat());
  Advance(kHeartbeatTimeout + absl::Seconds(1));
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_HEARTBEAT_TIMEOUT);
  EXPECT_FALSE(Listed(id).has_time_since_heartbeat());
  EXPECT_EQ(Listed(fresh.id()).health(), mgmt::Node::HEALTH_UNKNOWN);

  Context context;
  const Client client = AsNode(leader_node_);
  auto stream = client.curator->Heartbeat(&context);
  api::HeartbeatResponse response;
  ASSERT_TRUE(stream->Write({}) && stream->Read(&response));
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_HEALTHY);
  Advance(absl::Milliseconds(12'345));
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_HEALTHY);
  EXPECT_EQ(Listed(id).time_since_heartbeat().seconds(), 12);
  EXPECT_EQ(Listed(id).time_since_heartbeat().nanos(), 345'000'000);
  Advance(absl::Seconds(3));
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_HEARTBEAT_TIMEOUT);
  ASSERT_TRUE(stream->Write({}) && stream->Read(&response));
  EXPECT_EQ(Listed(id).health(), mgmt::Node::HEALTH_HEALTHY);
  stream->WritesDone();
  EXPECT_THAT(stream->Finish(), Succeeded());
}

}  // namespace
}  // namespace curatord
