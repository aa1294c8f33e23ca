// UpdateNodeRoles, rule by rule of protocol section 4.
#include "server/nodes/node_roles.h"

#include <string>

#include "libclient/identity/certificate.h"
#include "server/pki/cluster_pki.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using curator::identity::Certificate;
using metropolis::proto::common::NodeRoles;
using testing_support::DecidedToWriteNothing;
using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::kNotFound;
using testing_support::Refused;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

class UpdateNodeRoles : public testing_support::DecisionTest {
 protected:
  UpdateNodeRoles() {
    Add(node_);
    AskNothing();
  }
  void AskNothing() {
    request_.Clear();
    request_.set_id(node_.id());
  }
  Operations Decide() { return DecideRoles(View(), request_); }
  // Carries the request out, and forgets it.
  NodeRoles Decided() {
    Operations decided = Decide();
    NodeRoles roles = Written(decided, node_.id()).roles();
    if (decided.ok()) Apply(*decided);
    AskNothing();
    return roles;
  }

  TestNode node_;
  metropolis::proto::api::UpdateNodeRolesRequest request_;
};

TEST_F(UpdateNodeRoles, GivesAndTakesARole) {
  request_.set_kubernetes_worker(true);
  EXPECT_TRUE(Decided().has_kubernetes_worker());
  request_.set_kubernetes_worker(false);
  EXPECT_FALSE(Decided().has_kubernetes_worker());
}

TEST_F(UpdateNodeRoles, LeavesWhatIsNotSet) {
  request_.set_kubernetes_worker(true);
  Decided();
  request_.set_consensus_member(true);
  const NodeRoles roles = Decided();
  EXPECT_TRUE(roles.has_kubernetes_worker());
  EXPECT_TRUE(roles.has_consensus_member());
  EXPECT_FALSE(roles.has_kubernetes_controller());
  EXPECT_THAT(Decide(), DecidedToWriteNothing()) << "nothing is set";
}

TEST_F(UpdateNodeRoles, KeepsTheRestOfTheNode) {
  node_.record.set_cluster_unlock_key("unlock");
  node_.record.mutable_status()->set_external_address("10.0.0.1");
  Add(node_);
  request_.set_kubernetes_worker(true);
  curator::storage::Node stored = Written(Decide(), node_.id());
  EXPECT_TRUE(stored.has_roles());
  stored.clear_roles();
  stored.clear_labels();
  EXPECT_EQ(stored.SerializeAsString(), node_.record.SerializeAsString());
}

TEST_F(UpdateNodeRoles, ThatAreAsAskedWriteNothing) {
  request_.set_kubernetes_worker(false);
  request_.set_kubernetes_controller(false);
  request_.set_consensus_member(false);
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
  request_.set_consensus_member(true);
  Decided();
  request_.set_consensus_member(true);
  EXPECT_THAT(Decide(), DecidedToWriteNothing()) << "its certificates stay as they are";
}

// Existing curators fail every watch over a member whose record lacks one.
TEST_F(UpdateNodeRoles, GiveAConsensusMemberItsCertificates) {
  request_.set_consensus_member(true);
  const NodeRoles::ConsensusMember member = Decided().consensus_member();
  EXPECT_EQ(member.ca_certificate(), cluster_.pki.ca.der());
  auto peer = Certificate::FromDer(member.peer_certificate());
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->public_key(), node_.public_key());
  EXPECT_TRUE(peer->SignedBy(cluster_.pki.ca.public_key()));
  EXPECT_FALSE(peer->has_client_auth()) << "it would be a user's";
  EXPECT_FALSE(member.initial_crl().empty());
}

TEST_F(UpdateNodeRoles, GiveAConsensusMemberTheStoredRevocationList) {
  const std::string stored = IssueEmptyRevocationList(cluster_.pki);
  Apply({Operation::Put(std::string(keys::kCaRevocationList), stored)});
  request_.set_consensus_member(true);
  EXPECT_EQ(Decided().consensus_member().initial_crl(), stored);
}

TEST_F(UpdateNodeRoles, AControllerMustBeAConsensusMember) {
  request_.set_kubernetes_controller(true);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  request_.set_consensus_member(true);
  const NodeRoles roles = Decided();
  EXPECT_TRUE(roles.has_consensus_member());
  EXPECT_TRUE(roles.has_kubernetes_controller());
}

TEST_F(UpdateNodeRoles, AConsensusMemberStaysWhileItIsAController) {
  request_.set_consensus_member(true);
  request_.set_kubernetes_controller(true);
  Decided();
  request_.set_consensus_member(false);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  request_.set_kubernetes_controller(false);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition)) << "consensus comes first";
  request_.clear_consensus_member();
  EXPECT_FALSE(Decided().has_kubernetes_controller());
  request_.set_consensus_member(false);
  EXPECT_FALSE(Decided().has_consensus_member());
}

TEST_F(UpdateNodeRoles, AreAllSetOrNone) {
  request_.set_kubernetes_worker(true);
  request_.set_kubernetes_controller(true);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
}

TEST_F(UpdateNodeRoles, ConsensusIsForNodesThatWereApproved) {
  for (common::NodeState state : {common::NODE_STATE_NEW, common::NODE_STATE_STANDBY}) {
    node_.record.set_fsm_state(state);
    Add(node_);
    AskNothing();
    request_.set_kubernetes_worker(true);
    EXPECT_TRUE(Decided().has_kubernetes_worker());
    request_.set_consensus_member(true);
    if (state == common::NODE_STATE_NEW) {
      EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
    } else {
      EXPECT_TRUE(Decided().has_consensus_member());
    }
  }
}

TEST_F(UpdateNodeRoles, ADecommissionedNodeGetsNoneButMayLoseThem) {
  node_.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  node_.record.mutable_roles()->mutable_kubernetes_worker();
  Add(node_);
  request_.set_consensus_member(true);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  AskNothing();
  request_.set_kubernetes_worker(false);
  EXPECT_FALSE(Decided().has_kubernetes_worker());
  request_.set_kubernetes_worker(true);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
}

TEST_F(UpdateNodeRoles, NeedsToBeToldWhichNode) {
  request_.set_kubernetes_worker(true);
  request_.clear_node();
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id("");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id("a/b");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_pubkey("short");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id(TestNode().id());
  EXPECT_THAT(Decide(), Refused(kNotFound));
  request_.set_pubkey(node_.public_key());
  EXPECT_TRUE(Decided().has_kubernetes_worker());
}

TEST_F(UpdateNodeRoles, WithoutAUsableCaSaysSo) {
  Apply({Operation::Put(std::string(keys::kCaPrivateKey), "damaged")});
  request_.set_consensus_member(true);
  EXPECT_THAT(Decide(), Refused(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace curatord
