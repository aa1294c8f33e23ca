#include "server/nodes/node_log.h"

#include "curator/v1/cluster_operations.pb.h"
#include "gtest/gtest.h"

namespace curatord {
namespace {

using metropolis::proto::common::NodeState;
namespace common_states = metropolis::proto::common;

NodeRecord In(NodeState state) {
  NodeRecord record;
  record.node.set_fsm_state(state);
  return record;
}

TEST(NodeLog, NamesEachStepOfANodesLife) {
  const NodeRecord fresh = In(common_states::NODE_STATE_NEW);
  const NodeRecord standby = In(common_states::NODE_STATE_STANDBY);
  const NodeRecord up = In(common_states::NODE_STATE_UP);
  const NodeRecord left = In(common_states::NODE_STATE_DECOMMISSIONED);
  EXPECT_EQ(NodeEvent(nullptr, &fresh), "node registered");
  EXPECT_EQ(NodeEvent(&fresh, &standby), "node approved");
  EXPECT_EQ(NodeEvent(&standby, &up), "node up");
  EXPECT_EQ(NodeEvent(&up, &left), "node decommissioned");
  EXPECT_EQ(NodeEvent(&left, nullptr), "node deleted");
}

TEST(NodeLog, SaysNothingWhereTheStateStays) {
  const NodeRecord before = In(common_states::NODE_STATE_UP);
  NodeRecord after = before;
  after.node.mutable_status()->set_external_address("10.0.0.1");
  EXPECT_EQ(NodeEvent(&before, &after), "");
  EXPECT_EQ(NodeEvent(nullptr, nullptr), "") << "deleted twice";
}

TEST(NodeLog, TakesWhatATransactionWritesAsNodes) {
  const ClusterState state(nullptr);
  const NodesBefore before =
      NodesToWrite(state, {Operation::Put("/nodes/n1", ""), Operation::Delete("/join_keys/ab"),
                           Operation::Delete("/nodes/n2")});
  ASSERT_EQ(before.size(), 2u);
  EXPECT_EQ(before[0].first, "n1");
  EXPECT_EQ(before[1].first, "n2");
  EXPECT_EQ(before[0].second, nullptr);
}

TEST(NodeLog, NamesEachStepOfADepartureUpToItsEnd) {
  const auto event_of = [](curator::v1::Decommission::State state) {
    curator::v1::Decommission decommission;
    decommission.set_state(state);
    return DepartureEvent(
        Operation::Put("/curator.v1/decommission/n1", decommission.SerializeAsString()));
  };
  EXPECT_EQ(event_of(curator::v1::Decommission::STATE_REQUESTED), "node decommission requested");
  EXPECT_EQ(event_of(curator::v1::Decommission::STATE_IN_PROGRESS),
            "node decommission in progress");
  EXPECT_EQ(event_of(curator::v1::Decommission::STATE_DONE), "");
  EXPECT_EQ(DepartureEvent(Operation::Delete("/curator.v1/decommission/n1")), "");
  EXPECT_EQ(DepartureEvent(Operation::Put("/nodes/n1", "")), "");
}

}  // namespace
}  // namespace curatord
