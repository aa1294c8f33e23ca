// ConfigureCluster, rule by rule of protocol section 4.
#include "server/nodes/configuration.h"

#include <string>
#include <vector>

#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using metropolis::proto::common::ClusterConfiguration;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::Refused;

constexpr char kRules[] = "kubernetes.node_labels_to_synchronize";

class ConfigureCluster : public testing_support::DecisionTest {
 protected:
  ConfigureCluster() { request_.mutable_update_mask()->add_paths(kRules); }

  static void SetRules(ClusterConfiguration* configuration, const std::vector<std::string>& rules) {
    configuration->mutable_kubernetes()->clear_node_labels_to_synchronize();
    for (const std::string& rule : rules) {
      configuration->mutable_kubernetes()->add_node_labels_to_synchronize()->set_regexp(rule);
    }
  }
  static std::vector<std::string> RulesIn(const ClusterConfiguration& configuration) {
    std::vector<std::string> rules;
    for (const auto& rule : configuration.kubernetes().node_labels_to_synchronize()) {
      rules.push_back(rule.regexp());
    }
    return rules;
  }
  void Ask(const std::vector<std::string>& rules) {
    SetRules(request_.mutable_new_config(), rules);
  }
  void Base(const std::vector<std::string>& rules) {
    SetRules(request_.mutable_base_config(), rules);
  }
  Operations Decide() {
    response_.Clear();
    return DecideConfigure(View(), request_, &response_);
  }
  ClusterConfiguration Configured() {
    Operations decided = Decide();
    EXPECT_TRUE(decided.ok()) << decided.status();
    if (decided.ok()) Apply(*decided);
    const ClusterConfiguration configuration = ClusterConfigurationIn(View());
    EXPECT_EQ(response_.resulting_config().SerializeAsString(), configuration.SerializeAsString());
    return configuration;
  }

  metropolis::proto::api::ConfigureClusterRequest request_;
  metropolis::proto::api::ConfigureClusterResponse response_;
};

TEST_F(ConfigureCluster, ChangesTheMaskedFieldAlone) {
  Ask({"a.*", "b.*"});
  request_.mutable_new_config()->set_cluster_domain("other.internal");
  request_.mutable_new_config()->set_tpm_mode(ClusterConfiguration::TPM_MODE_DISABLED);
  ClusterConfiguration configured = Configured();
  EXPECT_THAT(RulesIn(configured), ElementsAre("a.*", "b.*"));
  configured.clear_kubernetes();
  EXPECT_EQ(configured.SerializeAsString(), cluster_.configuration.SerializeAsString());
}

TEST_F(ConfigureCluster, ReplacesTheListAsAWhole) {
  Ask({"a", "b"});
  Configured();
  Ask({"c"});
  EXPECT_THAT(RulesIn(Configured()), ElementsAre("c"));
  Ask({});
  request_.mutable_new_config()->mutable_kubernetes();
  EXPECT_THAT(RulesIn(Configured()), IsEmpty());
}

TEST_F(ConfigureCluster, IsACompareAndSet) {
  Base({});
  request_.mutable_base_config()->mutable_kubernetes();
  Ask({"counter-1"});
  EXPECT_THAT(RulesIn(Configured()), ElementsAre("counter-1"));
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition)) << "the same again";
  EXPECT_FALSE(response_.has_resulting_config());
  Base({"counter-1"});
  Ask({"counter-2"});
  EXPECT_THAT(RulesIn(Configured()), ElementsAre("counter-2"));
}

TEST_F(ConfigureCluster, ComparesTheMaskedFieldOfTheBaseAlone) {
  Base({});
  request_.mutable_base_config()->mutable_kubernetes();
  request_.mutable_base_config()->set_cluster_domain("other.internal");
  Ask({"a"});
  EXPECT_THAT(Decide(), DecidedToWrite());
}

TEST_F(ConfigureCluster, ComparesTheOrderOfRulesToo) {
  Ask({"a", "b"});
  Configured();
  Ask({"c"});
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"b", "a"}, {"a"}, {"a", "b", "c"}, {"a", ""}}) {
    Base(wrong);
    EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
  }
  Base({"a", "b"});
  EXPECT_THAT(Decide(), DecidedToWrite());
}

TEST_F(ConfigureCluster, WithoutABaseOverwrites) {
  Ask({"a"});
  Configured();
  Ask({"b"});
  EXPECT_THAT(RulesIn(Configured()), ElementsAre("b"));
}

TEST_F(ConfigureCluster, ThatChangesNothingWritesNothing) {
  Ask({"a"});
  Configured();
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
  EXPECT_THAT(RulesIn(response_.resulting_config()), ElementsAre("a"));
}

TEST_F(ConfigureCluster, NeedsANewConfigurationAndAMask) {
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "no new_config";
  Ask({"a"});
  request_.clear_update_mask();
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "no update_mask";
}

TEST_F(ConfigureCluster, WithAnEmptyMaskChangesNothing) {
  Ask({"a"});
  Base({"is not compared either"});
  request_.mutable_update_mask()->clear_paths();
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
  EXPECT_EQ(response_.resulting_config().SerializeAsString(),
            cluster_.configuration.SerializeAsString());
}

TEST_F(ConfigureCluster, RefusesEveryOtherPath) {
  Ask({"a"});
  for (const char* path :
       {"", "kubernetes", "tpm_mode", "cluster_domain", "storage_security_policy", "*",
        "kubernetes.node_labels_to_synchronize.regexp", "kubernetes.nodeLabelsToSynchronize",
        " kubernetes.node_labels_to_synchronize"}) {
    request_.mutable_update_mask()->set_paths(0, path);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << path;
    request_.mutable_update_mask()->add_paths(kRules);  // a good one does not help
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << path;
    request_.mutable_update_mask()->mutable_paths()->RemoveLast();
  }
}

TEST_F(ConfigureCluster, TakesAPathThatIsRepeatedForOne) {
  Ask({"a"});
  request_.mutable_update_mask()->add_paths(kRules);
  EXPECT_THAT(RulesIn(Configured()), ElementsAre("a"));
}

TEST_F(ConfigureCluster, NeedsKubernetesInTheNewAndInTheBase) {
  request_.mutable_new_config()->set_cluster_domain("cluster.internal");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  Ask({"a"});
  request_.mutable_base_config()->set_cluster_domain("cluster.internal");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

TEST_F(ConfigureCluster, RefusesMoreThanEveryNodeShouldBeSent) {
  Ask({std::string(kMaxConfigurationBytes, 'a')});
  const Operations decided = Decide();
  EXPECT_THAT(decided, Refused(kInvalidArgument));
  EXPECT_THAT(std::string(decided.status().message()), HasSubstr("at most 262144"));
  EXPECT_FALSE(response_.has_resulting_config());
}

TEST_F(ConfigureCluster, OfAClusterWithoutOneStartsFromTheDefaults) {
  Apply({Operation::Delete(std::string(keys::kClusterConfiguration))});
  Ask({"a"});
  ClusterConfiguration configured = Configured();
  configured.clear_kubernetes();
  EXPECT_EQ(configured.SerializeAsString(), DefaultClusterConfiguration().SerializeAsString());
}

}  // namespace
}  // namespace curatord
