// How a node leaves over the wire, and that it stays out: a node's certificate
// counts while the node is UP and the certificate is the one that it was given last.
#include <functional>
#include <memory>
#include <string>

#include "curator/v1/cluster_operations.grpc.pb.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/certificate.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::v1::ClusterOperations;
using curator::v1::Decommission;
using testing::HasSubstr;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestCluster;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

MATCHER(IsRevoked, "") {
  return testing::ExplainMatchResult(
      FailsWith(grpc::StatusCode::UNAUTHENTICATED, "CERTIFICATE_REVOKED"), arg, result_listener);
}

// What the refusal says of the node that called.
std::string OwnNodeIn(const grpc::Status& status) {
  const google::rpc::ErrorInfo info = testing_support::InfoOf(status);
  const auto it = info.metadata().find(curator::core::kOwnNodeKey);
  return it == info.metadata().end() ? "" : it->second;
}

class DepartureCalls : public testing_support::LeaderServerTest {
 protected:
  DepartureCalls() { Put(node_); }

  grpc::Status RequestDecommission() {
    Context context;
    mgmt::DecommissionNodeRequest request;
    request.set_id(node_.id());
    mgmt::DecommissionNodeResponse response;
    return owner_.management->DecommissionNode(&context, request, &response);
  }
  static grpc::Status Report(const Client& client, Decommission::State state) {
    Context context;
    curator::v1::ReportDecommissionRequest request;
    request.set_state(state);
    curator::v1::ReportDecommissionResponse response;
    return ClusterOperations::NewStub(client.channel)
        ->ReportDecommission(&context, request, &response);
  }
  grpc::Status GetDecommission(const Client& client, const std::string& id) {
    Context context;
    curator::v1::GetDecommissionRequest request;
    request.set_node_id(id);
    return ClusterOperations::NewStub(client.channel)
        ->GetDecommission(&context, request, &decommission_);
  }
  grpc::Status DeleteNode(bool bypass) {
    Context context;
    mgmt::DeleteNodeRequest request;
    request.set_pubkey(node_.public_key());
    if (bypass) request.mutable_safety_bypass_not_decommissioned();
    mgmt::DeleteNodeResponse response;
    return owner_.management->DeleteNode(&context, request, &response);
  }
  grpc::Status UpdateStatus(const Client& client) {
    Context context;
    api::UpdateNodeStatusRequest request;
    request.set_node_id(node_.id());
    request.mutable_status()->set_external_address("10.0.0.1");
    api::UpdateNodeStatusResponse response;
    return client.curator->UpdateNodeStatus(&context, request, &response);
  }
  static grpc::Status GetClusterInfo(const Client& client) {
    Context context;
    mgmt::GetClusterInfoResponse response;
    return client.management->GetClusterInfo(&context, {}, &response);
  }
  static grpc::Status ListNodes(const Client& client) {
    Context context;
    auto stream = client.management->GetNodes(&context, {});
    mgmt::Node node;
    while (stream->Read(&node)) {
    }
    return stream->Finish();
  }
  static grpc::Status WatchNodes(const Client& client) {
    Context context;
    api::WatchRequest request;
    request.mutable_nodes_in_cluster();
    auto stream = client.curator->Watch(&context, request);
    api::WatchEvent event;
    if (stream->Read(&event)) context->TryCancel();
    return stream->Finish();
  }
  static grpc::Status Beat(const Client& client) {
    Context context;
    auto stream = client.curator->Heartbeat(&context);
    api::HeartbeatResponse response;
    if (stream->Write({}) && stream->Read(&response)) stream->WritesDone();
    return stream->Finish();
  }
  // The life of a node with the key of node_, up to its commit; its new identity.
  curator::Identity EnrollAgain() {
    const Client ephemeral = AsKey(node_.key);
    {
      Context context;
      api::RegisterNodeRequest request;
      request.set_register_ticket(cluster_.ticket);
      request.set_join_key(curator::identity::PrivateKey::Generate().public_key());
      api::RegisterNodeResponse response;
      EXPECT_THAT(ephemeral.curator->RegisterNode(&context, request, &response), Succeeded());
    }
    {
      Context context;
      mgmt::ApproveNodeRequest request;
      request.set_pubkey(node_.public_key());
      mgmt::ApproveNodeResponse response;
      EXPECT_THAT(owner_.management->ApproveNode(&context, request, &response), Succeeded());
    }
    Context context;
    api::CommitNodeRequest request;
    request.set_storage_security(common::NODE_STORAGE_SECURITY_INSECURE);
    api::CommitNodeResponse response;
    EXPECT_THAT(ephemeral.curator->CommitNode(&context, request, &response), Succeeded());
    auto certificate = curator::identity::Certificate::FromDer(response.node_certificate());
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    auto identity = curator::Identity::FromPem(certificate->pem(), node_.key.ToPem());
    EXPECT_TRUE(identity.ok()) << identity.status();
    return *std::move(identity);
  }

  const TestNode node_;
  const Client owner_ = AsOwner();
  const Client as_node_ = AsNode(node_);
  Decommission decommission_;
};

TEST_F(DepartureCalls, TakeANodeThroughItsDecommissioningToItsDeletion) {
  ASSERT_THAT(RequestDecommission(), Succeeded());
  EXPECT_THAT(DeleteNode(/*bypass=*/false), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  ASSERT_THAT(GetDecommission(as_node_, node_.id()), Succeeded());
  EXPECT_EQ(decommission_.state(), Decommission::STATE_REQUESTED);
  EXPECT_GT(decommission_.requested_at().seconds(), 1'700'000'000);
  ASSERT_THAT(Report(as_node_, Decommission::STATE_IN_PROGRESS), Succeeded());
  ASSERT_THAT(GetDecommission(owner_, node_.id()), Succeeded());
  EXPECT_EQ(decommission_.state(), Decommission::STATE_IN_PROGRESS);
  EXPECT_EQ(Stored(node_.id()).fsm_state(), common::NODE_STATE_UP);
  ASSERT_THAT(Report(as_node_, Decommission::STATE_DONE), Succeeded());
  EXPECT_EQ(Stored(node_.id()).fsm_state(), common::NODE_STATE_DECOMMISSIONED);
  ASSERT_THAT(GetDecommission(owner_, node_.id()), Succeeded());
  EXPECT_EQ(decommission_.state(), Decommission::STATE_DONE);
  ASSERT_THAT(DeleteNode(/*bypass=*/false), Succeeded());
  EXPECT_THAT(GetDecommission(owner_, node_.id()), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_EQ(memory_.contents().count(keys::Decommission(node_.id())), 0u);
}

TEST_F(DepartureCalls, ReportsAreOfNodesOnThemselves) {
  ASSERT_THAT(RequestDecommission(), Succeeded());
  EXPECT_THAT(Report(owner_, Decommission::STATE_IN_PROGRESS),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Report(AsNobody(), Decommission::STATE_IN_PROGRESS),
              HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(Report(AsNode(leader_node_), Decommission::STATE_IN_PROGRESS),
              HasCode(grpc::StatusCode::FAILED_PRECONDITION))
      << "nobody asked the other node to leave";
  EXPECT_THAT(Report(as_node_, Decommission::STATE_UNSPECIFIED),
              HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  ASSERT_THAT(GetDecommission(owner_, node_.id()), Succeeded());
  EXPECT_EQ(decommission_.state(), Decommission::STATE_REQUESTED);
}

TEST_F(DepartureCalls, OfTheCuratorThatLeadsNeedAnotherLeader) {
  const auto request = [this] {
    Context context;
    mgmt::DecommissionNodeRequest message;
    message.set_id(leader_node_.id());
    mgmt::DecommissionNodeResponse response;
    return owner_.management->DecommissionNode(&context, message, &response);
  };
  candidates_ = {{leader_node_.id(), kLockKey, 1}};
  EXPECT_THAT(request(), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  candidates_.push_back({node_.id(), "/leader/2", 2});
  EXPECT_THAT(request(), Succeeded());
  const Client as_leader = AsNode(leader_node_);
  EXPECT_THAT(Report(as_leader, Decommission::STATE_IN_PROGRESS), Succeeded());
  const grpc::Status done = Report(as_leader, Decommission::STATE_DONE);
  EXPECT_THAT(done, HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  EXPECT_THAT(done.error_message(), HasSubstr("another curator must lead first"));
  EXPECT_EQ(Stored(leader_node_.id()).fsm_state(), common::NODE_STATE_UP);
}

TEST_F(DepartureCalls, GetDecommissionNeedsANodeId) {
  EXPECT_THAT(GetDecommission(owner_, ""), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(GetDecommission(owner_, "a/b"), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(GetDecommission(owner_, std::string(1 << 20, 'i')),
              HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(GetDecommission(owner_, TestNode().id()), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_THAT(GetDecommission(AsNobody(), node_.id()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(DepartureCalls, DeleteNodeIsDurableWhenItIsAnswered) {
  EXPECT_THAT(DeleteNode(/*bypass=*/false), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  EXPECT_EQ(memory_.contents().count(keys::Node(node_.id())), 1u);
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  EXPECT_EQ(memory_.contents().count(keys::Node(node_.id())), 0u);
  EXPECT_EQ(memory_.contents().count(keys::JoinKey(node_.join_key.public_key())), 0u);
  EXPECT_THAT(DeleteNode(/*bypass=*/true), HasCode(grpc::StatusCode::NOT_FOUND));
}

TEST_F(DepartureCalls, AreForUsersOnly) {
  Context decommission, deletion;
  mgmt::DecommissionNodeRequest decommission_request;
  decommission_request.set_id(node_.id());
  mgmt::DecommissionNodeResponse decommission_response;
  EXPECT_THAT(as_node_.management->DecommissionNode(&decommission, decommission_request,
                                                    &decommission_response),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  mgmt::DeleteNodeRequest delete_request;
  delete_request.set_id(node_.id());
  mgmt::DeleteNodeResponse delete_response;
  EXPECT_THAT(as_node_.management->DeleteNode(&deletion, delete_request, &delete_response),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
}

TEST_F(DepartureCalls, OnADeposedLeaderChangeNothing) {
  Depose();
  EXPECT_THAT(RequestDecommission(), FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_THAT(DeleteNode(/*bypass=*/true),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_EQ(memory_.contents().count(keys::Node(node_.id())), 1u);
}

class Revocation : public DepartureCalls {
 protected:
  void ExpectRefusedEverywhere(const Client& client) {
    EXPECT_THAT(GetClusterInfo(client), IsRevoked());
    EXPECT_THAT(ListNodes(client), IsRevoked());
    EXPECT_THAT(WatchNodes(client), IsRevoked());
    EXPECT_THAT(Beat(client), IsRevoked());
    EXPECT_THAT(GetDecommission(client, node_.id()), IsRevoked());
  }
  void ExpectAdmitted(const Client& client) {
    EXPECT_THAT(GetClusterInfo(client), Succeeded());
    EXPECT_THAT(ListNodes(client), Succeeded());
    EXPECT_THAT(WatchNodes(client), HasCode(grpc::StatusCode::CANCELLED));
    EXPECT_THAT(Beat(client), Succeeded());
    EXPECT_THAT(UpdateStatus(client), Succeeded());
  }
};

TEST_F(Revocation, RefusesADeletedNode) {
  ExpectAdmitted(as_node_);
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  ExpectRefusedEverywhere(as_node_);
  ExpectRefusedEverywhere(AsNode(node_));  // on a new connection as well
  EXPECT_THAT(UpdateStatus(as_node_), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_EQ(OwnNodeIn(Beat(as_node_)), curator::core::kOwnNodeDeleted);
}

TEST_F(Revocation, RefusesADecommissionedNode) {
  ASSERT_THAT(RequestDecommission(), Succeeded());
  ASSERT_THAT(Report(as_node_, Decommission::STATE_IN_PROGRESS), Succeeded());
  ExpectAdmitted(as_node_);
  ASSERT_THAT(Report(as_node_, Decommission::STATE_DONE), Succeeded());
  ExpectRefusedEverywhere(as_node_);
  EXPECT_THAT(UpdateStatus(as_node_), IsRevoked());
  EXPECT_THAT(Report(as_node_, Decommission::STATE_DONE), IsRevoked());
  EXPECT_EQ(OwnNodeIn(Beat(as_node_)), curator::core::kOwnNodeDecommissioned);
  // Neither may it join again, and it learns why.
  Context context;
  api::JoinNodeResponse response;
  const grpc::Status joined = AsKey(node_.join_key).curator->JoinNode(&context, {}, &response);
  EXPECT_THAT(joined, FailsWith(grpc::StatusCode::FAILED_PRECONDITION, "NODE_NOT_UP"));
  EXPECT_EQ(OwnNodeIn(joined), curator::core::kOwnNodeDecommissioned);
}

TEST_F(Revocation, OfAnOldCertificateOutlivesTheRegistrationOfItsKeyAgain) {
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  const Client renewed = testing_support::Connect(address_, cluster_.ca(), EnrollAgain());
  ExpectAdmitted(renewed);
  ExpectRefusedEverywhere(as_node_);
  EXPECT_THAT(UpdateStatus(as_node_), IsRevoked());
}

TEST_F(Revocation, RefusesANodeThatIsNotCommitted) {
  TestNode standby = node_;
  standby.record.set_fsm_state(common::NODE_STATE_STANDBY);
  Put(standby);
  ExpectRefusedEverywhere(as_node_);
}

TEST_F(Revocation, RefusesANodeWhoseCertificateIsNotStored) {
  Delete(keys::NodeCertificate(node_.id()));
  ExpectRefusedEverywhere(as_node_);
}

// Those methods are for anybody, so the certificate proves nothing more or less.
TEST_F(Revocation, LeavesWhatIsForAnybodyAsItIs) {
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  Context context;
  api::JoinNodeResponse response;
  EXPECT_THAT(as_node_.curator->JoinNode(&context, {}, &response),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
}

TEST_F(Revocation, EndsTheStreamsOfADeletedNodeAndNoOthers) {
  Context beats_context, watch_context, other_context;
  auto beats = as_node_.curator->Heartbeat(&beats_context);
  api::HeartbeatResponse beat;
  ASSERT_TRUE(beats->Write({}) && beats->Read(&beat));
  api::WatchRequest request;
  request.mutable_node_in_cluster()->set_node_id(leader_node_.id());
  auto watch = as_node_.curator->Watch(&watch_context, request);
  api::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  const Client other = AsNode(leader_node_);
  auto other_beats = other.curator->Heartbeat(&other_context);
  ASSERT_TRUE(other_beats->Write({}) && other_beats->Read(&beat));

  const absl::Time deleted_at = absl::Now();
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  EXPECT_FALSE(beats->Read(&beat));
  EXPECT_THAT(beats->Finish(), IsRevoked());
  EXPECT_FALSE(watch->Read(&event));
  const grpc::Status ended = watch->Finish();
  EXPECT_THAT(ended, IsRevoked());
  EXPECT_THAT(ended.error_message(), HasSubstr("deleted"));
  EXPECT_LT(absl::Now() - deleted_at, absl::Seconds(1));

  ASSERT_TRUE(other_beats->Write({}) && other_beats->Read(&beat));
  other_beats->WritesDone();
  EXPECT_THAT(other_beats->Finish(), Succeeded());
}

TEST_F(Revocation, EndsTheStreamsOfANodeThatIsDecommissioned) {
  Context context;
  auto beats = as_node_.curator->Heartbeat(&context);
  api::HeartbeatResponse beat;
  ASSERT_TRUE(beats->Write({}) && beats->Read(&beat));
  ASSERT_THAT(RequestDecommission(), Succeeded());
  ASSERT_THAT(Report(as_node_, Decommission::STATE_IN_PROGRESS), Succeeded());
  ASSERT_TRUE(beats->Write({}) && beats->Read(&beat)) << "it has not left yet";
  ASSERT_THAT(Report(as_node_, Decommission::STATE_DONE), Succeeded());
  EXPECT_FALSE(beats->Read(&beat));
  EXPECT_THAT(beats->Finish(), IsRevoked());
}

// By another curator, before this one led; the watch on the store tells.
TEST_F(Revocation, EndsStreamsWhoeverDeletedTheNode) {
  Context context;
  auto beats = as_node_.curator->Heartbeat(&context);
  api::HeartbeatResponse beat;
  ASSERT_TRUE(beats->Write({}) && beats->Read(&beat));
  Delete(keys::Node(node_.id()));
  EXPECT_FALSE(beats->Read(&beat));
  EXPECT_THAT(beats->Finish(), IsRevoked());
}

// 1. A node is deleted and commits again, elsewhere. 2. A leader that was deposed
// without noticing knows nothing of that. 3. The node calls it, and must not be told
// for good that it is refused.
TEST_F(Revocation, IsNotSaidByADeposedLeader) {
  ASSERT_THAT(DeleteNode(/*bypass=*/true), Succeeded());
  Depose();
  EXPECT_THAT(GetClusterInfo(as_node_),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_THAT(Beat(as_node_), FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

}  // namespace
}  // namespace curatord
