#include "cli/commands/node.h"

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

TEST(TicketId, IsThePrefixOfItsSha256) { EXPECT_EQ(TicketId("abc"), "ba7816bf8f01cfea"); }

}  // namespace
}  // namespace curator::cli
