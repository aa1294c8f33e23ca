// DecommissionNode, its reports and DeleteNode, rule by rule of protocol section 4.
#include "server/nodes/departure.h"

#include <string>

#include "server/nodes/node_roles.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using curator::v1::Decommission;
using metropolis::proto::api::DeleteNodeRequest;
using testing::HasSubstr;
using testing_support::AdmitAll;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::kNotFound;
using testing_support::Refused;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

class Departure : public testing_support::DecisionTest {
 protected:
  Departure() { Add(node_); }

  Operations Request(const TestNode& node) {
    metropolis::proto::api::DecommissionNodeRequest request;
    request.set_id(node.id());
    return DecideDecommission(View(), request, only_curator_, now_);
  }
  Operations Report(const TestNode& node, Decommission::State state) {
    curator::v1::ReportDecommissionRequest request;
    request.set_state(state);
    response_.Clear();
    return DecideDecommissionReport(View(), node.id(), request, now_, &response_);
  }
  Decommission Known(const TestNode& node) {
    absl::StatusOr<Decommission> known = DecommissionOf(View(), node.id());
    EXPECT_TRUE(known.ok()) << known.status();
    return known.value_or(Decommission());
  }
  void GiveRole() {
    node_.record.mutable_roles()->mutable_kubernetes_worker();
    Add(node_);
  }
  void SetState(common::NodeState state) {
    node_.record.set_fsm_state(state);
    Add(node_);
  }

  absl::Time now_ = absl::FromUnixNanos(1'700'000'000'123'456'789);
  TestNode node_;
  std::string only_curator_;
  curator::v1::ReportDecommissionResponse response_;
};

using DecommissionNode = Departure;

TEST_F(DecommissionNode, OfTheOnlyCuratorIsRefused) {
  only_curator_ = node_.id();
  EXPECT_THAT(Request(node_), Refused(kFailedPrecondition));
  only_curator_ = TestNode().id();
  EXPECT_THAT(Request(node_), DecidedToWrite());
}

TEST_F(DecommissionNode, GoesFromUpByRequestAndProgressToDone) {
  EXPECT_EQ(Known(node_).state(), Decommission::STATE_UNSPECIFIED);
  Apply(*Request(node_));
  Decommission known = Known(node_);
  EXPECT_EQ(known.state(), Decommission::STATE_REQUESTED);
  EXPECT_EQ(known.requested_at().seconds(), 1'700'000'000);
  EXPECT_EQ(known.requested_at().nanos(), 123'456'789);
  EXPECT_EQ(View().FindNode(node_.id())->fsm_state(), common::NODE_STATE_UP);

  now_ += absl::Seconds(7);
  const Operations progress = Report(node_, Decommission::STATE_IN_PROGRESS);
  ASSERT_THAT(progress, DecidedToWrite());
  Apply(*progress);
  known = Known(node_);
  EXPECT_EQ(known.state(), Decommission::STATE_IN_PROGRESS);
  EXPECT_EQ(known.requested_at().seconds(), 1'700'000'000);
  EXPECT_EQ(known.changed_at().seconds(), 1'700'000'007);
  EXPECT_EQ(response_.decommission().SerializeAsString(), known.SerializeAsString());
  EXPECT_EQ(View().FindNode(node_.id())->fsm_state(), common::NODE_STATE_UP);

  const Operations done = Report(node_, Decommission::STATE_DONE);
  EXPECT_EQ(Written(done, node_.id()).fsm_state(), common::NODE_STATE_DECOMMISSIONED);
  Apply(*done);
  EXPECT_EQ(Known(node_).state(), Decommission::STATE_DONE);
}

TEST_F(DecommissionNode, AskedAgainChangesNothing) {
  Apply(*Request(node_));
  EXPECT_THAT(Request(node_), DecidedToWriteNothing());
  Apply(*Report(node_, Decommission::STATE_IN_PROGRESS));
  EXPECT_THAT(Request(node_), DecidedToWriteNothing());
  Apply(*Report(node_, Decommission::STATE_DONE));
  EXPECT_THAT(Request(node_), DecidedToWriteNothing());
}

TEST_F(DecommissionNode, WaitsUntilItsRolesAreGone) {
  GiveRole();
  const Operations decided = Request(node_);
  EXPECT_THAT(decided, Refused(kFailedPrecondition));
  EXPECT_THAT(std::string(decided.status().message()), HasSubstr("kubernetes_worker"));
}

TEST_F(DecommissionNode, IsForNodesThatAreUp) {
  for (common::NodeState state : {common::NODE_STATE_NEW, common::NODE_STATE_STANDBY}) {
    SetState(state);
    EXPECT_THAT(Request(node_), Refused(kFailedPrecondition)) << state;
  }
}

TEST_F(DecommissionNode, NeedsToBeToldWhichNode) {
  metropolis::proto::api::DecommissionNodeRequest request;
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), Refused(kInvalidArgument));
  request.set_id("");
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), Refused(kInvalidArgument));
  request.set_id("a/b");
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), Refused(kInvalidArgument));
  request.set_pubkey("short");
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), Refused(kInvalidArgument));
  request.set_pubkey(TestNode().public_key());
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), Refused(kNotFound));
  request.set_pubkey(node_.public_key());
  EXPECT_THAT(DecideDecommission(View(), request, "", now_), DecidedToWrite());
}

TEST_F(DecommissionNode, GivesTheNodeNoNewRoles) {
  Apply(*Request(node_));
  metropolis::proto::api::UpdateNodeRolesRequest request;
  request.set_id(node_.id());
  request.set_kubernetes_worker(true);
  EXPECT_THAT(DecideRoles(View(), request), Refused(kFailedPrecondition));
  request.set_kubernetes_worker(false);
  EXPECT_THAT(DecideRoles(View(), request), DecidedToWriteNothing());
}

using DecommissionReport = Departure;

TEST_F(DecommissionReport, NeedsARequest) {
  EXPECT_THAT(Report(node_, Decommission::STATE_IN_PROGRESS), Refused(kFailedPrecondition));
  EXPECT_THAT(Report(node_, Decommission::STATE_DONE), Refused(kFailedPrecondition));
  EXPECT_FALSE(response_.has_decommission());
}

TEST_F(DecommissionReport, SkipsAndRepeatsNoState) {
  Apply(*Request(node_));
  EXPECT_THAT(Report(node_, Decommission::STATE_DONE), Refused(kFailedPrecondition));
  Apply(*Report(node_, Decommission::STATE_IN_PROGRESS));
  EXPECT_THAT(Report(node_, Decommission::STATE_IN_PROGRESS), DecidedToWriteNothing());
  EXPECT_EQ(response_.decommission().state(), Decommission::STATE_IN_PROGRESS);
  Apply(*Report(node_, Decommission::STATE_DONE));
  EXPECT_THAT(Report(node_, Decommission::STATE_DONE), DecidedToWriteNothing());
  EXPECT_THAT(Report(node_, Decommission::STATE_IN_PROGRESS), Refused(kFailedPrecondition))
      << "there is no way back";
}

TEST_F(DecommissionReport, IsOfProgressOrDone) {
  Apply(*Request(node_));
  for (int state : {0, 1, 4, -1}) {
    EXPECT_THAT(Report(node_, static_cast<Decommission::State>(state)), Refused(kInvalidArgument))
        << state;
  }
}

TEST_F(DecommissionReport, OfADeletedNodeIsNotFound) {
  EXPECT_THAT(Report(TestNode(), Decommission::STATE_DONE), Refused(kNotFound));
}

// 1. It is asked to leave. 2. A curator that knows nothing of that gives it a role.
TEST_F(DecommissionReport, CannotEndWhileThereAreRoles) {
  Apply(*Request(node_));
  Apply(*Report(node_, Decommission::STATE_IN_PROGRESS));
  GiveRole();
  EXPECT_THAT(Report(node_, Decommission::STATE_DONE), Refused(kFailedPrecondition));
}

TEST_F(DecommissionReport, KeepsTheRestOfTheNode) {
  node_.record.set_cluster_unlock_key("unlock");
  Add(node_);
  Apply(*Request(node_));
  Apply(*Report(node_, Decommission::STATE_IN_PROGRESS));
  curator::storage::Node stored = Written(Report(node_, Decommission::STATE_DONE), node_.id());
  node_.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  stored.clear_labels();
  stored.clear_roles();
  EXPECT_EQ(stored.SerializeAsString(), node_.record.SerializeAsString());
}

TEST_F(Departure, OfANodeThatOthersDecommissionedIsDone) {
  SetState(common::NODE_STATE_DECOMMISSIONED);
  EXPECT_EQ(Known(node_).state(), Decommission::STATE_DONE);
  EXPECT_EQ(Known(node_).node_id(), node_.id());
  EXPECT_FALSE(Known(node_).has_requested_at());
}

TEST_F(Departure, OfAnUnknownNodeIsNotFound) {
  EXPECT_EQ(DecommissionOf(View(), TestNode().id()).status().code(), kNotFound);
}

// 1. It is asked to leave. 2. A curator deletes it that does not know of that.
// 3. Its key registers again.
TEST_F(Departure, OfAnEarlierLifeIsForgotten) {
  Apply(*Request(node_));
  Apply({Operation::Delete(keys::Node(node_.id())),
         Operation::Delete(keys::JoinKey(node_.join_key.public_key()))});
  curator_api::RegisterNodeRequest request;
  request.set_register_ticket(cluster_.ticket);
  request.set_join_key(node_.join_key.public_key());
  curator_api::RegisterNodeResponse response;
  const Operations registered =
      DecideRegister(View(), node_.public_key(), request, AdmitAll, &response);
  ASSERT_TRUE(registered.ok()) << registered.status();
  Apply(*registered);
  EXPECT_EQ(Known(node_).state(), Decommission::STATE_UNSPECIFIED);
}

class DeleteNode : public Departure {
 protected:
  DeleteNode() { request_.set_id(node_.id()); }
  Operations Decide() { return DecideDelete(View(), request_); }
  void BypassRoles() { request_.mutable_safety_bypass_has_roles(); }
  void BypassState() { request_.mutable_safety_bypass_not_decommissioned(); }

  DeleteNodeRequest request_;
};

TEST_F(DeleteNode, OfANodeThatIsNotUpNeedsNoBypass) {
  for (common::NodeState state :
       {common::NODE_STATE_NEW, common::NODE_STATE_STANDBY, common::NODE_STATE_DECOMMISSIONED}) {
    SetState(state);
    EXPECT_THAT(Decide(), DecidedToWrite()) << state;
  }
}

TEST_F(DeleteNode, ThatIsUpNeedsTheBypass) {
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  BypassRoles();
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition)) << "the other bypass";
  BypassState();
  EXPECT_THAT(Decide(), DecidedToWrite());
}

TEST_F(DeleteNode, WithRolesNeedsTheBypass) {
  SetState(common::NODE_STATE_DECOMMISSIONED);
  GiveRole();
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  BypassState();
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition)) << "the other bypass";
  BypassRoles();
  EXPECT_THAT(Decide(), DecidedToWrite());
}

TEST_F(DeleteNode, ChecksTheRolesBeforeTheState) {
  GiveRole();
  EXPECT_THAT(std::string(Decide().status().message()), HasSubstr("kubernetes_worker"));
  BypassRoles();
  EXPECT_THAT(std::string(Decide().status().message()), HasSubstr("UP"));
}

TEST_F(DeleteNode, NeedsNoBypassOnceItIsDecommissioned) {
  Apply(*Request(node_));
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  Apply(*Report(node_, Decommission::STATE_IN_PROGRESS));
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  Apply(*Report(node_, Decommission::STATE_DONE));
  EXPECT_THAT(Decide(), DecidedToWrite());
}

TEST_F(DeleteNode, LeavesNothingButTheCertificate) {
  Apply(*Request(node_));
  BypassState();
  Apply(*Decide());
  EXPECT_EQ(View().FindNode(node_.id()), nullptr);
  EXPECT_FALSE(View().Find(keys::JoinKey(node_.join_key.public_key())).has_value());
  EXPECT_FALSE(View().Find(keys::Decommission(node_.id())).has_value());
  EXPECT_TRUE(View().Find(keys::NodeCertificate(node_.id())).has_value());
  EXPECT_THAT(Decide(), Refused(kNotFound)) << "again";
}

TEST_F(DeleteNode, KeepsAJoinKeyThatIsAnothers) {
  const std::string join_key = keys::JoinKey(node_.join_key.public_key());
  Apply({Operation::Put(join_key, TestNode().id())});
  BypassState();
  Apply(*Decide());
  EXPECT_TRUE(View().Find(join_key).has_value());
}

TEST_F(DeleteNode, NeedsToBeToldWhichNode) {
  SetState(common::NODE_STATE_NEW);
  request_.clear_node();
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id("");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id("a/b");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_pubkey(std::string(33, 'k'));
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_.set_id(TestNode().id());
  EXPECT_THAT(Decide(), Refused(kNotFound));
  request_.set_pubkey(node_.public_key());
  EXPECT_THAT(Decide(), DecidedToWrite());
}

}  // namespace
}  // namespace curatord
