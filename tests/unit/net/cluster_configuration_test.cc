// ConfigureCluster: compare and set, and what became of a lost answer.
#include <atomic>
#include <thread>

#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::Call;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
namespace management = metropolis::proto::api;
namespace common = metropolis::proto::common;

common::ClusterConfiguration WireConfiguration(const std::vector<std::string>& regexps) {
  common::ClusterConfiguration configuration;
  configuration.set_cluster_domain("cluster.internal");
  configuration.set_tpm_mode(common::ClusterConfiguration::TPM_MODE_DISABLED);
  configuration.set_storage_security_policy(
      common::ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION);
  for (const std::string& regexp : regexps) {
    configuration.mutable_kubernetes()->add_node_labels_to_synchronize()->set_regexp(regexp);
  }
  return configuration;
}

class ConfigureCluster : public ClientTest {
 protected:
  ConfigureCluster() {
    leader_.SetConfiguration(WireConfiguration({"a"}));
    leader_.Lead(7);
    client_ = NewClient({leader_.address()});
  }

  ConfigurationChange Change(std::vector<std::string> from, std::vector<std::string> to) {
    ConfigurationChange change;
    change.fields = {ConfigurationField::kNodeLabelsToSynchronize};
    change.base = client_->GetClusterInfo(soon_)->configuration;
    change.wanted = *change.base;
    change.base->node_labels_to_synchronize = std::move(from);
    change.wanted.node_labels_to_synchronize = std::move(to);
    return change;
  }

  // The configuration becomes this, then it is answered so.
  void Answer(const Verdictless& answer, const std::vector<std::string>& becomes) {
    leader_.SetHandler([this, answer, becomes](const Call& call) -> Verdictless {
      if (call.method != "ConfigureCluster") return grpc::Status::OK;
      leader_.SetConfiguration(WireConfiguration(becomes));
      return answer;
    });
  }

  ScriptedCurator& leader_ = AddCurator();
  std::unique_ptr<Client> client_;
  const CallOptions soon_ = Within(kSlack);
  const Verdictless lost_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows");
};

TEST_F(ConfigureCluster, SendsBaseWantedAndMask) {
  Answer(grpc::Status::OK, {"b"});
  const auto result = client_->ConfigureCluster(Change({"a"}, {"b"}), soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_THAT(result->before.node_labels_to_synchronize, ElementsAre("a"));
  EXPECT_THAT(result->configuration.node_labels_to_synchronize, ElementsAre("b"));
  const auto request = leader_.LastRequest<management::ConfigureClusterRequest>("ConfigureCluster");
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("kubernetes.node_labels_to_synchronize"));
  EXPECT_EQ(request.base_config().SerializeAsString(),
            WireConfiguration({"a"}).SerializeAsString());
  EXPECT_EQ(request.new_config().SerializeAsString(), WireConfiguration({"b"}).SerializeAsString());
}

// Servers refuse a configuration without `kubernetes`, and a request without mask.
TEST_F(ConfigureCluster, AnEmptyListIsPresent) {
  ConfigurationChange change = Change({"a"}, {});
  ASSERT_TRUE(client_->ConfigureCluster(change, soon_).ok());
  auto request = leader_.LastRequest<management::ConfigureClusterRequest>("ConfigureCluster");
  EXPECT_TRUE(request.new_config().has_kubernetes());
  EXPECT_TRUE(request.has_base_config());
  change.base.reset();
  ASSERT_TRUE(client_->ConfigureCluster(change, soon_).ok());
  request = leader_.LastRequest<management::ConfigureClusterRequest>("ConfigureCluster");
  EXPECT_FALSE(request.has_base_config());
  EXPECT_TRUE(request.has_update_mask());
  change.fields.clear();
  EXPECT_EQ(ErrorOf(client_->ConfigureCluster(change, soon_).status()).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(ConfigureCluster, WhatIsSoAlreadyIsNotSent) {
  const auto result = client_->ConfigureCluster(Change({"a"}, {"a"}), soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(leader_.CountCalls("ConfigureCluster"), 0);
}

// Also where the cluster happens to have what is wanted: the comparison failed.
TEST_F(ConfigureCluster, AConflictIsRefused) {
  Answer(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "not as base_config says"), {"a"});
  EXPECT_EQ(ErrorOf(client_->ConfigureCluster(Change({"z"}, {"b"}), soon_).status()).code,
            ErrorCode::kRefused);
  EXPECT_EQ(ErrorOf(client_->ConfigureCluster(Change({"z"}, {"a"}), soon_).status()).code,
            ErrorCode::kRefused);
}

TEST_F(ConfigureCluster, ALostAnswerIsReadBack) {
  Answer(lost_, {"b"});
  const auto result = client_->ConfigureCluster(Change({"a"}, {"b"}), soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(leader_.CountCalls("ConfigureCluster"), 1);
}

TEST_F(ConfigureCluster, ALostAnswerThatShowsNothingIsUnknown) {
  Answer(lost_, {"a"});
  Error error = ErrorOf(client_->ConfigureCluster(Change({"a"}, {"b"}), soon_).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_THAT(error.cause, HasSubstr("as it was, but the request may yet arrive"));
  Answer(lost_, {"c"});
  error = ErrorOf(client_->ConfigureCluster(Change({"a"}, {"b"}), soon_).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_THAT(error.cause, HasSubstr("somebody else"));
}

TEST_F(ConfigureCluster, IsMadeAgainUnderALaterTermThatDoesNotShowIt) {
  std::atomic<int> asked{0};
  leader_.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method != "ConfigureCluster") return grpc::Status::OK;
    if (asked++ == 0) return absl::nullopt;
    leader_.SetConfiguration(WireConfiguration({"b"}));
    return grpc::Status::OK;
  });
  std::thread reelection([&] {
    while (asked == 0) std::this_thread::yield();
    leader_.Lead(8);
  });
  const auto result = client_->ConfigureCluster(Change({"a"}, {"b"}), Within(absl::Seconds(30)));
  if (asked == 0) asked = 1;
  reelection.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace curator
