// Parsing and judging of the commands that change nodes.
#include "cli/commands/node_changes.h"

#include "cli/commands/node_results.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kChangedNode = "metropolis-" + std::string(32, 'a');

TEST(LabelWords, AreIdsAndChangesInAnyOrder) {
  const absl::StatusOr<LabelRequest> request =
      ParseLabelWords({"zone=a", kChangedNode, "x.io/disk-", "empty="});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->ids, ElementsAre(kChangedNode));
  EXPECT_EQ(request->change.set, (Labels{{"empty", ""}, {"zone", "a"}}));
  EXPECT_THAT(request->change.remove, ElementsAre("x.io/disk"));
}

TEST(LabelWords, NonsenseIsAUsageError) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {},
           {kChangedNode},
           {"zone"},
           {"-", "zone=a"},
           {"=a"},
           {"zone=a", "zone=b"},
           {"zone=a", "zone-"},
           {"zone-", "zone-"},
           {"metropolis-1", "zone=a"},
       }) {
    EXPECT_EQ(ExitCodeOf(ParseLabelWords(words).status()), ExitCode::kUsage);
  }
}

TEST(DeleteObstacle, IsWhatTheLeaderWouldRefuseInItsOrder) {
  Node node;
  node.id = kChangedNode;
  NodeDeleteArgs args;
  for (const NodeState state : {NodeState::kNew, NodeState::kStandby, NodeState::kDecommissioned}) {
    node.state = state;
    EXPECT_EQ(ObstacleTo(node, args).reason, "");
  }
  node.state = NodeState::kUp;
  node.roles = {NodeRole::kConsensusMember, NodeRole::kKubernetesWorker};
  EXPECT_EQ(ObstacleTo(node, args).reason, "it has roles: consensus-member,kubernetes-worker");
  EXPECT_THAT(ObstacleTo(node, args).hint, HasSubstr("node role remove"));
  args.force_has_roles = true;
  EXPECT_EQ(ObstacleTo(node, args).reason, "it is UP");
  args.force_not_decommissioned = true;
  EXPECT_EQ(ObstacleTo(node, args).reason, "");
}

NodeResult Failed(ExitCode code) {
  NodeResult result;
  SetFailure(result, Failure(code, "because"));
  return result;
}

TEST(Overall, IsOneCodeOnlyIfAllFailedAlike) {
  NodeResult good;
  SetOutcome(good, ChangeOutcome::kApplied, "");
  const NodeResult refused = Failed(ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(Overall({good, good}, "x")), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(Overall({refused}, "x")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(Overall({refused, refused}, "x")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(Overall({refused, good}, "x")), ExitCode::kPartial);
  EXPECT_EQ(ExitCodeOf(Overall({refused, Failed(ExitCode::kNotFound)}, "x")), ExitCode::kPartial);
  EXPECT_THAT(DescribeError(Overall({refused, good}, "labelled")).message,
              HasSubstr("1 of 2 nodes were not labelled: because"));
}

TEST(Results, AreDecidedOnce) {
  std::vector<NodeResult> results = {Failed(ExitCode::kRefused), NodeResult()};
  EXPECT_TRUE(AnyUndecided(results));
  SetOutcome(results[1], ChangeOutcome::kUnchanged, "as it was");
  EXPECT_FALSE(AnyUndecided(results));
  const Document document = ResultDocument(results, "label");
  const Value fields(document.fields);
  EXPECT_EQ(fields.Find("summary.refused")->Text(), "1");
  EXPECT_EQ(fields.Find("summary.unchanged")->Text(), "1");
  EXPECT_EQ(document.Rows()[0].Find("error")->Text(), "REFUSED");
  EXPECT_EQ(document.Rows()[1].Find("action")->Text(), "label");
}

}  // namespace
}  // namespace curator::cli
