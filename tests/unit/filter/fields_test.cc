#include "tests/unit/filter/filter_fixture.h"

namespace curatord::filter {
namespace {

using metropolis::proto::api::Node;

TEST(FilterFields, ReadsWhatTheMessageHas) {
  for (const char* text : {
           "node.status.external_address==\"10.8.0.2\"",
           "node.id == 'metropolis-abc'",
           "node.pubkey == b'\\x01\\xff\\x02'",
           "node.state == NODE_STATE_UP",
           "node.state == 3",
           "node.health == HEALTH_HEALTHY",
           "node.status.running_curator.port == 7835",
           "node.status.version.release.major == 2",
           "node.status.version.git_information.commits_since_release == 7u",
           "node.roles.consensus_member.peers[1].url == 'https://b'",
           "node.labels.pairs.exists(l, l.key == 'rack' && l.value == 'rack-1')",
           "size(node.labels.pairs) == 2",
           "node.time_since_heartbeat < duration('5s')",
           "node.time_since_heartbeat == duration('3.5s')",
           "node.status.timestamp == timestamp('2009-02-13T23:31:30Z')",
           "node . status // the rest\n . external_address != ''",
           "node.`id` == 'metropolis-abc'",
           ".node.id == 'metropolis-abc'",
           "(node).id == 'metropolis-abc'",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterFields, ThatAreNotSetAreTheirDefaults) {
  for (const char* text : {
           "node.id == '' && node.pubkey == b''",
           "node.state == NODE_STATE_INVALID",
           "node.status.external_address == ''",
           "node.status.running_curator.port == 0",
           "node.time_since_heartbeat == duration('0')",
           "node.status.timestamp == timestamp(0)",
           "size(node.labels.pairs) == 0",
           "node.status.version.release.major == 0",
       }) {
    EXPECT_EQ(Outcome(text, Node()), "true") << text;
  }
}

TEST(FilterFields, HasTellsWhatIsSet) {
  const struct {
    const char* text;
    bool of_sample;  // none is of an empty node
  } cases[] = {
      {"has(node.id)", true},
      {"has(node.state)", true},
      {"has(node.status)", true},
      {"has(node.status.running_curator)", true},
      {"has(node.status.running_curator.port)", true},
      {"has(node.status.boot_id)", false},
      {"has(node.roles.consensus_member)", true},
      {"has(node.roles.kubernetes_worker)", false},
      {"has(node.roles.consensus_member.peers)", true},
      {"has(node.labels.pairs)", true},
      {"has(node.time_since_heartbeat)", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(c.text), c.of_sample ? "true" : "false") << c.text;
    EXPECT_EQ(Outcome(c.text, Node()), "false") << c.text;
  }
}

TEST(FilterFields, HasTellsWhichKeysAMapHas) {
  EXPECT_EQ(Outcome("has({'a': 1}.a) && !has({'a': 1}.b)"), "true");
  EXPECT_EQ(Outcome("has(dyn({'a': 1}).a) && !has(dyn(node).status.boot_id)"), "true");
  EXPECT_EQ(Outcome("has(dyn(1).a)"), "column 12: no field \"a\" in int");
}

TEST(FilterFields, EmptyMessagesAreEqual) {
  Node node;
  node.mutable_roles()->mutable_kubernetes_worker();
  EXPECT_EQ(Outcome("node.roles.kubernetes_worker == node.roles.kubernetes_worker", node), "true");
  EXPECT_EQ(Outcome("node == node"), "true");
  EXPECT_EQ(Outcome("node.roles.consensus_member.peers[0] == "
                    "node.roles.consensus_member.peers[1]"),
            "false");
  EXPECT_EQ(Outcome("node.status != null"), "true");
}

TEST(FilterFields, ConstantsOfEnumsAreKnownByAllTheirNames) {
  for (const char* text : {
           "NODE_STATE_NEW == 1",
           "HEALTH_HEARTBEAT_TIMEOUT == 3",
           "NODE_TPM_USAGE_PRESENT_AND_USED == 3",
           "metropolis.proto.common.NodeState.NODE_STATE_NEW == 1",
           "common.NodeState.NODE_STATE_NEW == 1",
           "Node.Health.HEALTH_HEALTHY == 2",
           ".metropolis.proto.api.Node.Health.HEALTH_HEALTHY == 2",
           "type(node) == Node",
           "type(node.status) == metropolis.proto.common.NodeStatus",
           "[1].all(NODE_STATE_NEW, NODE_STATE_NEW == 1)",
       }) {
    EXPECT_EQ(Outcome(text), "true") << text;
  }
}

TEST(FilterFields, ErrorsNameTheColumn) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"node.status.foo == 1", "compile: column 13: no field \"foo\" in NodeStatus"},
      {"true && node.foo == 1", "compile: column 14: no field \"foo\" in Node"},
      {"has(node.foo)", "compile: column 10: no field \"foo\" in Node"},
      {"node.id.foo == 1", "compile: column 9: no field \"foo\" in string"},
      {"node.labels.pairs.key == ''", "compile: column 19: no field \"key\" in list(Pair)"},
      {"nod.id == ''", "compile: column 1: unknown name \"nod\""},
      {"node.state == NODE_STATE_ODD", "compile: column 15: unknown name \"NODE_STATE_ODD\""},
      {".foo", "compile: column 1: unknown name \"foo\""},
      {"true &&\n node.foo", "compile: line 2, column 7: no field \"foo\" in Node"},
      {"'\u00e4\u00f6' == '' || foo", "compile: column 15: unknown name \"foo\""},
      {"foo(1)", "compile: column 1: no function \"foo\""},
      {"node.foo()", "compile: column 6: no function \"foo\""},
      {"contains('a', 'b')", "compile: column 1: contains() is called as x.contains()"},
      {"'a'.int() == 1", "compile: column 5: int() is called as int(x)"},
      {"has(node)", "compile: column 1: has() takes one field selection, as in has(a.b)"},
      {"node.roles.consensus_member.peers[2].name == ''",
       "column 34: index 2 out of range of a list of 2"},
      {"dyn(node).foo == 1", "column 11: no field \"foo\" in metropolis.proto.api.Node"},
      {"node.id.size(1) == 1", "compile: column 9: size does not take (string, int)"},
      {"node.roles == common.NodeRole{}",
       "compile: column 15: unknown message type \"common.NodeRole\""},
  };
  for (const auto& c : cases) EXPECT_EQ(Outcome(c.text), c.error) << c.text;
}

TEST(FilterFields, RefusesMessagesOfAnotherType) {
  const absl::StatusOr<Filter> filter = CompileForNode("true");
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->Matches(metropolis::proto::common::NodeRoles()).status().code(),
            absl::StatusCode::kInternal);
}

TEST(FilterFields, AreToldThatItDependsOn) {
  using Node = metropolis::proto::api::Node;
  const auto depends_on = [](absl::string_view text) {
    const absl::StatusOr<Filter> filter = CompileForNode(text);
    EXPECT_TRUE(filter.ok()) << filter.status();
    std::vector<int> numbers;
    for (int number = 1; number <= Node::kLabelsFieldNumber; ++number) {
      if (filter->DependsOn(number)) numbers.push_back(number);
    }
    return numbers;
  };
  const std::vector<int> all = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(depends_on("true"), std::vector<int>());
  EXPECT_EQ(depends_on("node.id == 'a'"), std::vector<int>{Node::kIdFieldNumber});
  EXPECT_EQ(depends_on("has(node.roles.kubernetes_worker) || .node.state == NODE_STATE_NEW"),
            (std::vector<int>{Node::kStateFieldNumber, Node::kRolesFieldNumber}));
  EXPECT_EQ(depends_on("node.labels.pairs.exists(p, p.key == node.status.external_address)"),
            (std::vector<int>{Node::kStatusFieldNumber, Node::kLabelsFieldNumber}));
  EXPECT_EQ(depends_on("node == node"), all);
  EXPECT_EQ(depends_on("[node].exists(n, n.id == 'a')"), all);
  EXPECT_EQ(depends_on("dyn(node).id == 'a'"), all);
}

}  // namespace
}  // namespace curatord::filter
