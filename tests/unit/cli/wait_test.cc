#include "cli/commands/wait.h"

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

const std::string kNode = "node/metropolis-" + std::string(32, 'a');

TEST(WaitCondition, IsParsed) {
  EXPECT_EQ(ParseWaitCondition("leader")->kind, WaitCondition::Kind::kLeader);
  const absl::StatusOr<WaitCondition> state = ParseWaitCondition(kNode + ":state=up");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->kind, WaitCondition::Kind::kState);
  EXPECT_EQ(state->value, "UP");
  EXPECT_EQ("node/" + state->node_id, kNode);
  EXPECT_EQ(ParseWaitCondition(kNode + ":health=HEALTHY")->kind, WaitCondition::Kind::kHealth);
  EXPECT_EQ(ParseWaitCondition(kNode + ":deleted")->kind, WaitCondition::Kind::kDeleted);
  EXPECT_EQ(ParseWaitCondition(kNode + ":exists")->kind, WaitCondition::Kind::kExists);
}

TEST(WaitCondition, OnHowManyNodesMatchIsParsed) {
  const struct {
    const char* text;
    const char* filter;
    const char* comparison;
    int64_t count;
  } cases[] = {
      {"nodes(node.state == NODE_STATE_UP)>=3", "node.state == NODE_STATE_UP", ">=", 3},
      {"nodes( has(node.roles.kubernetes_worker) ) < 10", "has(node.roles.kubernetes_worker)", "<",
       10},
      {"nodes(node.id == ')>=1')==0", "node.id == ')>=1'", "==", 0},
      {"nodes()!=0", "", "!=", 0},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<WaitCondition> condition = ParseWaitCondition(c.text);
    ASSERT_TRUE(condition.ok()) << condition.status();
    EXPECT_EQ(condition->kind, WaitCondition::Kind::kNodes);
    EXPECT_EQ(condition->filter, c.filter);
    EXPECT_EQ(condition->comparison, c.comparison);
    EXPECT_EQ(condition->count, c.count);
  }
}

TEST(WaitCondition, ComparesHowManyNodesMatch) {
  const struct {
    const char* comparison;
    bool fewer, as_many, more;
  } cases[] = {{">=", false, true, true}, {"<=", true, true, false}, {"==", false, true, false},
               {"!=", true, false, true}, {">", false, false, true}, {"<", true, false, false}};
  for (const auto& c : cases) {
    const WaitCondition condition = *ParseWaitCondition(absl::StrCat("nodes(x)", c.comparison, 3));
    EXPECT_EQ(Holds(condition, 2), c.fewer) << c.comparison;
    EXPECT_EQ(Holds(condition, 3), c.as_many) << c.comparison;
    EXPECT_EQ(Holds(condition, 4), c.more) << c.comparison;
  }
}

TEST(WaitCondition, NonsenseIsAUsageError) {
  for (const std::string& text :
       {std::string(""), std::string("leaders"), std::string("node/x:exists"), kNode,
        kNode + ":state=DOWN", kNode + ":health=FINE", kNode + ":gone", kNode + ":",
        std::string("nodes"), std::string("nodes(true"), std::string("nodes(true)"),
        std::string("nodes(true)>="), std::string("nodes(true)=3"), std::string("nodes(true)>=-1"),
        std::string("nodes(true)>=3x")}) {
    EXPECT_EQ(ExitCodeOf(ParseWaitCondition(text).status()), ExitCode::kUsage) << text;
  }
}

TEST(WaitCondition, HoldsOfTheNodeAsItIs) {
  Node node;
  node.state = NodeState::kUp;
  node.health = NodeHealth::kUnknown;
  const auto holds = [](const std::string& what, const absl::optional<Node>& of) {
    return Holds(*ParseWaitCondition(kNode + what), of);
  };
  EXPECT_TRUE(holds(":state=UP", node));
  EXPECT_FALSE(holds(":state=NEW", node));
  EXPECT_FALSE(holds(":health=HEALTHY", node));
  EXPECT_TRUE(holds(":exists", node));
  EXPECT_FALSE(holds(":deleted", node));
  EXPECT_FALSE(holds(":state=UP", absl::nullopt));
  EXPECT_FALSE(holds(":exists", absl::nullopt));
  EXPECT_TRUE(holds(":deleted", absl::nullopt));
}

}  // namespace
}  // namespace curator::cli
