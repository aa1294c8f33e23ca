// Parsing and judging of the commands that change nodes and the configuration.
#include "cli/commands/node_changes.h"

#include "cli/commands/cluster.h"
#include "cli/commands/node_results.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

TEST(ObstacleToDelete, IsWhatTheLeaderWouldRefuseInItsOrder) {
  Node node;
  node.id = kChangedNode;
  NodeDeleteArgs args;
  for (const NodeState state : {NodeState::kNew, NodeState::kStandby, NodeState::kDecommissioned}) {
    node.state = state;
    EXPECT_EQ(ObstacleToDelete(node, args).reason, "");
  }
  node.state = NodeState::kUp;
  node.roles = {NodeRole::kConsensusMember, NodeRole::kKubernetesWorker};
  EXPECT_EQ(ObstacleToDelete(node, args).reason,
            "it has roles: consensus-member,kubernetes-worker");
  EXPECT_THAT(ObstacleToDelete(node, args).hint, HasSubstr("node role remove"));
  args.force_has_roles = true;
  EXPECT_EQ(ObstacleToDelete(node, args).reason, "it is UP");
  args.force_not_decommissioned = true;
  EXPECT_EQ(ObstacleToDelete(node, args).reason, "");
}

TEST(ObstacleToDecommission, IsWhatTheLeaderWouldRefuseInItsOrder) {
  Node node;
  node.id = kChangedNode;
  node.state = NodeState::kUp;
  EXPECT_EQ(ObstacleToDecommission(node).reason, "");
  node.roles = {NodeRole::kKubernetesWorker};
  EXPECT_EQ(ObstacleToDecommission(node).reason, "it has roles: kubernetes-worker");
  EXPECT_THAT(ObstacleToDecommission(node).hint, HasSubstr("node role remove"));
  node.roles.clear();
  node.state = NodeState::kStandby;
  EXPECT_THAT(ObstacleToDecommission(node).reason, HasSubstr("it is STANDBY"));
  EXPECT_THAT(ObstacleToDecommission(node).hint, HasSubstr("node delete"));
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

TEST(EditConfiguration, TakesKeysAsPeopleWriteThem) {
  for (const char* key : {"node_labels_to_synchronize", "node-labels-to-synchronize",
                          "kubernetes.node_labels_to_synchronize"}) {
    const absl::StatusOr<ConfigurationEdit> edit = EditConfiguration({}, key, {"^a", "^b"});
    ASSERT_TRUE(edit.ok()) << edit.status();
    EXPECT_EQ(edit->field, ConfigurationField::kNodeLabelsToSynchronize);
    EXPECT_THAT(edit->configuration.node_labels_to_synchronize, ElementsAre("^a", "^b"));
    EXPECT_THAT(
        EditConfiguration(edit->configuration, key, {})->configuration.node_labels_to_synchronize,
        IsEmpty());
  }
}

TEST(EditConfiguration, TakesValuesByTheirNames) {
  EXPECT_EQ(EditConfiguration({}, "tpm_mode", {"best-effort"})->configuration.tpm_mode,
            TpmMode::kBestEffort);
  EXPECT_EQ(EditConfiguration({}, "storage_security_policy", {"NEEDS_ENCRYPTION"})
                ->configuration.storage_security_policy,
            StorageSecurityPolicy::kNeedsEncryption);
  EXPECT_EQ(EditConfiguration({}, "cluster_domain", {"x.y"})->configuration.cluster_domain, "x.y");
}

TEST(EditConfiguration, NonsenseIsAUsageError) {
  for (const auto& [key, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"nope", {"x"}},
           {"", {}},
           {"tpm_mode", {}},
           {"tpm_mode", {"maybe"}},
           {"cluster_domain", {"a", "b"}}}) {
    EXPECT_EQ(ExitCodeOf(EditConfiguration({}, key, values).status()), ExitCode::kUsage) << key;
  }
}

}  // namespace
}  // namespace curator::cli
