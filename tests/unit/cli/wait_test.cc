#include "cli/commands/wait.h"

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

TEST(WaitCondition, NonsenseIsAUsageError) {
  for (const std::string& text :
       {std::string(""), std::string("leaders"), std::string("node/x:exists"), kNode,
        kNode + ":state=DOWN", kNode + ":health=FINE", kNode + ":gone", kNode + ":"}) {
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
