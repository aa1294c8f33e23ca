#include "cli/node_filter.h"

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;

std::string Filter(const NodeSelection& selection) {
  const absl::StatusOr<std::string> filter = FilterOf(selection);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.value_or("");
}

NodeSelection Labels(std::vector<std::string> labels) {
  NodeSelection selection;
  selection.labels = std::move(labels);
  return selection;
}

std::string Exists(const std::string& condition) {
  return "node.labels.pairs.exists(p, " + condition + ")";
}

TEST(NodeFilter, NothingSelectsAll) { EXPECT_EQ(Filter({}), ""); }

TEST(NodeFilter, LabelSelectorsBecomeConditionsOnPairs) {
  EXPECT_EQ(Filter(Labels({"zone=a"})), Exists("p.key == \"zone\" && p.value == \"a\""));
  EXPECT_EQ(Filter(Labels({"zone!=a"})), "!" + Exists("p.key == \"zone\" && p.value == \"a\""));
  EXPECT_EQ(Filter(Labels({"x.io/zone"})), Exists("p.key == \"x.io/zone\""));
  EXPECT_EQ(Filter(Labels({"!zone"})), "!" + Exists("p.key == \"zone\""));
  EXPECT_EQ(Filter(Labels({"zone="})), Exists("p.key == \"zone\" && p.value == \"\""));
  EXPECT_EQ(Filter(Labels({"a, b", "c"})), Exists("p.key == \"a\"") + " && " +
                                               Exists("p.key == \"b\"") + " && " +
                                               Exists("p.key == \"c\""));
}

TEST(NodeFilter, WhatNoLabelCanBeIsAUsageError) {
  for (const char* text :
       {"", "=a", "!", "!=a", "!k=v", "k==v", "k=v w", "k\"=v", "a,,b", "k in v"}) {
    EXPECT_EQ(ExitCodeOf(FilterOf(Labels({text})).status()), ExitCode::kUsage) << text;
  }
}

TEST(NodeFilter, OfTheValuesOfOneFlagAnyOfSeveralFlagsAll) {
  NodeSelection selection;
  selection.states = {"new,Standby", "UP"};
  selection.healths = {"healthy"};
  selection.roles = {"cm,kubernetes-worker"};
  EXPECT_EQ(Filter(selection),
            "(node.state == NODE_STATE_NEW || node.state == NODE_STATE_STANDBY || "
            "node.state == NODE_STATE_UP) && node.health == HEALTH_HEALTHY && "
            "(has(node.roles.consensus_member) || has(node.roles.kubernetes_worker))");
}

TEST(NodeFilter, UnknownValuesAreUsageErrors) {
  NodeSelection state;
  state.states = {"DOWN"};
  NodeSelection health;
  health.healths = {"fine"};
  NodeSelection role;
  role.roles = {"km"};
  for (const NodeSelection& selection : {state, health, role}) {
    EXPECT_EQ(ExitCodeOf(FilterOf(selection).status()), ExitCode::kUsage);
  }
}

TEST(NodeFilter, AnExpressionAloneIsSentAsItIs) {
  NodeSelection selection;
  selection.filter = " node.id != '' // all ";
  EXPECT_EQ(Filter(selection), "node.id != '' // all");
}

TEST(NodeFilter, AnExpressionAmongOthersKeepsItsMeaning) {
  NodeSelection selection = Labels({"a"});
  selection.filter = "x || y";
  EXPECT_EQ(Filter(selection), "(x || y) && " + Exists("p.key == \"a\""));
  selection.filter = "x // y";
  EXPECT_EQ(Filter(selection), "(x // y\n) && " + Exists("p.key == \"a\""));
}

TEST(CelString, MeansTheTextWhateverIsInIt) {
  EXPECT_EQ(CelString("a'b"), "\"a'b\"");
  EXPECT_EQ(CelString("a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(CelString("\n\x7f"), "\"\\u000a\\u007f\"");
  EXPECT_EQ(CelString("é"), "\"é\"");
}

TEST(ParseRoles, TakesNamesAndAbbreviationsEachOnce) {
  EXPECT_THAT(*ParseRoles("kw,Consensus-Member,cm"),
              ElementsAre(NodeRole::kConsensusMember, NodeRole::kKubernetesWorker));
  for (const char* text : {"", "cm,", "worker", "consensus_member"}) {
    EXPECT_EQ(ExitCodeOf(ParseRoles(text).status()), ExitCode::kUsage) << text;
  }
}

}  // namespace
}  // namespace curator::cli
