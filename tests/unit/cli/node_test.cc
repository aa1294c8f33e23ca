#include "cli/commands/node.h"

#include "cli/commands/leader.h"
#include "cli/commands/ticket.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "curator/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;

std::string Id(char digit) { return "metropolis-" + std::string(32, digit); }

Node MakeNode(char digit) {
  Node node;
  node.id = Id(digit);
  node.public_key = std::string(32, digit);
  return node;
}

TEST(NodeId, IsCheckedExactly) {
  EXPECT_TRUE(CheckNodeId(Id('a')).ok());
  for (const std::string& id :
       {std::string(), std::string("a"), Id('A'), Id('g'), Id('a') + "0", Id('a').substr(0, 42)}) {
    EXPECT_EQ(ExitCodeOf(CheckNodeId(id)), ExitCode::kUsage) << id;
  }
}

TEST(PickNodes, KeepsTheOrderAskedAndEachOnce) {
  NodeList list;
  list.nodes = {MakeNode('a'), MakeNode('b'), MakeNode('c')};
  const absl::StatusOr<std::vector<Node>> nodes = PickNodes(list, {Id('c'), Id('a'), Id('c')});
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ((*nodes)[0].id, Id('c'));
  EXPECT_EQ((*nodes)[1].id, Id('a'));
}

TEST(PickNodes, NamesAllThatAreMissing) {
  NodeList list;
  list.nodes = {MakeNode('a')};
  const absl::Status status = PickNodes(list, {Id('a'), Id('d'), Id('e')}).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotFound);
  EXPECT_THAT(DescribeError(status).message, HasSubstr(Id('d')));
  EXPECT_THAT(DescribeError(status).message, HasSubstr(Id('e')));
}

TEST(NodeFields, AreTheContractOfKindNode) {
  Node node = MakeNode('a');
  node.state = NodeState::kUp;
  node.health = NodeHealth::kHealthy;
  node.roles = {NodeRole::kConsensusMember};
  node.labels = {{"zone", "a"}};
  node.address = "10.0.0.1";
  node.curator_port = 7835;
  node.heartbeat_age = absl::Milliseconds(1500);
  node.status_time = absl::FromUnixSeconds(1);
  node.tpm = TpmUsage::kNotPresent;
  EXPECT_EQ(
      ToJson(NodeFields(node), false),
      "{\"id\":\"" + Id('a') + "\",\"pubkey\":\"" +
          [] {
            std::string hex;
            for (int i = 0; i < 32; ++i) hex += "61";
            return hex;
          }() +
          R"(","state":"UP","health":"HEALTHY","roles":["consensus-member"],)"
          R"("labels":{"zone":"a"},"address":"10.0.0.1","version":"","tpm":"NOT_PRESENT",)"
          R"("heartbeat_age_ms":1500,"status_time":"1970-01-01T00:00:01.000Z",)"
          R"("curator_port":7835})");
  EXPECT_TRUE(NodeFields(MakeNode('b')).Find("heartbeat_age_ms")->is_null());
  EXPECT_TRUE(NodeFields(MakeNode('b')).Find("curator_port")->is_null());
}

TEST(NodeAdvice, SaysHowToApproveANewNode) {
  Node node = MakeNode('a');
  node.state = NodeState::kNew;
  EXPECT_THAT(NodeAdvice(node), HasSubstr("curatorctl node approve " + Id('a')));
}

NodeEvent EventOf(NodeEvent::Kind kind, absl::optional<Node> node,
                  absl::optional<Node> previous = absl::nullopt) {
  NodeEvent event;
  event.kind = kind;
  event.time = absl::FromUnixMillis(1500);
  event.node = std::move(node);
  event.previous = std::move(previous);
  event.leader_id = "metropolis-leader";
  return event;
}

TEST(NodeEvent, NamesWhatChanged) {
  Node before = MakeNode('a');
  before.state = NodeState::kNew;
  Node after = before;
  after.state = NodeState::kStandby;
  after.address = "10.0.0.1";
  after.labels = {{"zone", "a"}};
  EXPECT_EQ(DescribeNodeEvent(EventOf(NodeEvent::Kind::kModified, after, before)),
            "state NEW -> STANDBY, labels - -> zone=a, address - -> 10.0.0.1");
  EXPECT_EQ(DescribeNodeEvent(EventOf(NodeEvent::Kind::kModified, after, after)),
            "status reported");
  EXPECT_EQ(DescribeNodeEvent(EventOf(NodeEvent::Kind::kAdded, after)), "STANDBY at 10.0.0.1");
  EXPECT_EQ(DescribeNodeEvent(EventOf(NodeEvent::Kind::kDeleted, absl::nullopt, before)),
            "was NEW");
}

TEST(NodeEvent, HasTheFieldsOfItsKindAndNullForWhatIsNotWatched) {
  const Document event = NodeEventDocument(EventOf(NodeEvent::Kind::kAdded, MakeNode('a')));
  EXPECT_EQ(event.kind, "NodeEvent");
  const Value fields(event.fields);
  EXPECT_EQ(fields.Find("type")->Text(), "ADDED");
  EXPECT_EQ(fields.Find("time")->Text(), "1970-01-01T00:00:01.500Z");
  EXPECT_EQ(fields.Find("object.id")->Text(), Id('a'));
  EXPECT_TRUE(fields.Find("object.health")->is_null());
  EXPECT_TRUE(fields.Find("object.pubkey")->is_null());
  EXPECT_TRUE(fields.Find("previous")->is_null());
  EXPECT_EQ(fields.Find("leader_id")->Text(), "metropolis-leader");
  for (const NodeEvent::Kind kind :
       {NodeEvent::Kind::kSynced, NodeEvent::Kind::kReconnected, NodeEvent::Kind::kLeaderChanged}) {
    const Document other = NodeEventDocument(EventOf(kind, absl::nullopt));
    EXPECT_TRUE(Value(other.fields).Find("object")->is_null());
    EXPECT_NE(DescribeNodeEvent(EventOf(kind, absl::nullopt)), "");
  }
}

TEST(LeaderEvent, IsALeaderWithATimeOrNobody) {
  Leader leader;
  leader.id = Id('a');
  leader.address = "10.0.0.1:7835";
  const Value known(LeaderEventDocument(leader, absl::FromUnixSeconds(1)).fields);
  EXPECT_EQ(known.Find("id")->Text(), Id('a'));
  EXPECT_EQ(known.Find("time")->Text(), "1970-01-01T00:00:01.000Z");
  const Value nobody(LeaderEventDocument(absl::nullopt, absl::FromUnixSeconds(1)).fields);
  EXPECT_TRUE(nobody.Find("id")->is_null());
  EXPECT_TRUE(nobody.Find("address")->is_null());
}

TEST(TicketId, IsThePrefixOfItsSha256) { EXPECT_EQ(TicketId("abc"), "ba7816bf8f01cfea"); }

}  // namespace
}  // namespace curator::cli
