// What the cluster's policies on TPMs and storage let nodes do, over the wire.
#include <memory>
#include <string>

#include "server/nodes/configuration.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using metropolis::proto::common::ClusterConfiguration;
using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace common = testing_support::common;

constexpr auto kRequired = ClusterConfiguration::TPM_MODE_REQUIRED;
constexpr auto kBestEffort = ClusterConfiguration::TPM_MODE_BEST_EFFORT;
constexpr auto kDisabled = ClusterConfiguration::TPM_MODE_DISABLED;
constexpr auto kPermissive = ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE;
constexpr auto kNeedsEncryption = ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION;
constexpr auto kNeedsBoth =
    ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION;
constexpr auto kNeedsInsecure = ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE;
constexpr auto kNotPresent = common::NODE_TPM_USAGE_NOT_PRESENT;
constexpr auto kUnused = common::NODE_TPM_USAGE_PRESENT_BUT_UNUSED;
constexpr auto kUsed = common::NODE_TPM_USAGE_PRESENT_AND_USED;
constexpr auto kInsecure = common::NODE_STORAGE_SECURITY_INSECURE;
constexpr auto kEncrypted = common::NODE_STORAGE_SECURITY_ENCRYPTED;
constexpr auto kAuthenticated = common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED;

class Policy : public testing_support::LeaderServerTest {
 protected:
  void Demand(ClusterConfiguration::TPMMode mode,
              ClusterConfiguration::StorageSecurityPolicy policy = kPermissive) {
    ClusterConfiguration configuration = DefaultClusterConfiguration();
    configuration.set_tpm_mode(mode);
    configuration.set_storage_security_policy(policy);
    PutKey(std::string(keys::kClusterConfiguration), configuration.SerializeAsString());
  }
  grpc::Status Register(const TestNode& node, bool have_tpm) {
    Context context;
    api::RegisterNodeRequest request;
    request.set_register_ticket(cluster_.ticket);
    request.set_join_key(node.join_key.public_key());
    request.set_have_local_tpm(have_tpm);
    return AsKey(node.key).curator->RegisterNode(&context, request, &registered_);
  }
  grpc::Status Commit(const TestNode& node, common::NodeStorageSecurity security) {
    Context context;
    api::CommitNodeRequest request;
    request.set_storage_security(security);
    request.set_cluster_unlock_key(std::string(32, 'u'));
    api::CommitNodeResponse response;
    return AsKey(node.key).curator->CommitNode(&context, request, &response);
  }
  grpc::Status Join(const TestNode& node, bool sealed) {
    Context context;
    api::JoinNodeRequest request;
    request.set_using_sealed_configuration(sealed);
    api::JoinNodeResponse response;
    return AsKey(node.join_key).curator->JoinNode(&context, request, &response);
  }

  api::RegisterNodeResponse registered_;
};

TEST_F(Policy, WhereATpmIsRequiredANodeWithoutOneCannotRegister) {
  Demand(kRequired);
  const TestNode node;
  EXPECT_THAT(Register(node, /*have_tpm=*/false), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_EQ(state_.FindNode(node.id()), nullptr);
  EXPECT_THAT(Register(node, /*have_tpm=*/true), Succeeded());
}

TEST_F(Policy, RegistrationTellsHowTheTpmIsUsed) {
  const struct {
    ClusterConfiguration::TPMMode mode;
    bool have_tpm;
    common::NodeTPMUsage usage;
  } kCases[] = {{kRequired, true, kUsed},
                {kBestEffort, true, kUsed},
                {kBestEffort, false, kNotPresent},
                {kDisabled, true, kUnused},
                {kDisabled, false, kNotPresent}};
  for (const auto& c : kCases) {
    Demand(c.mode);
    const TestNode node;
    ASSERT_THAT(Register(node, c.have_tpm), Succeeded());
    EXPECT_EQ(registered_.tpm_usage(), c.usage) << c.mode << " " << c.have_tpm;
    EXPECT_EQ(Stored(node.id()).tpm_usage(), c.usage);
    EXPECT_EQ(registered_.cluster_configuration().tpm_mode(), c.mode);
  }
}

TEST_F(Policy, RegistrationRecommendsTheStorage) {
  const struct {
    ClusterConfiguration::StorageSecurityPolicy policy;
    common::NodeStorageSecurity recommended;
  } kCases[] = {{kPermissive, kAuthenticated},
                {kNeedsBoth, kAuthenticated},
                {kNeedsEncryption, kEncrypted},
                {kNeedsInsecure, kInsecure}};
  for (const auto& c : kCases) {
    Demand(kBestEffort, c.policy);
    ASSERT_THAT(Register(TestNode(), false), Succeeded());
    EXPECT_EQ(registered_.recommended_node_storage_security(), c.recommended) << c.policy;
  }
}

TEST_F(Policy, CommitTakesTheStorageThatItAllows) {
  const struct {
    ClusterConfiguration::StorageSecurityPolicy policy;
    bool insecure, encrypted, authenticated;
  } kCases[] = {{kPermissive, true, true, true},
                {kNeedsEncryption, false, true, true},
                {kNeedsBoth, false, false, true},
                {kNeedsInsecure, true, false, false}};
  for (const auto& c : kCases) {
    Demand(kBestEffort, c.policy);
    const auto expect = [&](common::NodeStorageSecurity security, bool allowed) {
      const TestNode node(common::NODE_STATE_STANDBY);
      Put(node);
      const grpc::Status status = Commit(node, security);
      EXPECT_THAT(status,
                  HasCode(allowed ? grpc::StatusCode::OK : grpc::StatusCode::FAILED_PRECONDITION))
          << c.policy << " " << security;
      EXPECT_EQ(Stored(node.id()).fsm_state(),
                allowed ? common::NODE_STATE_UP : common::NODE_STATE_STANDBY);
    };
    expect(kInsecure, c.insecure);
    expect(kEncrypted, c.encrypted);
    expect(kAuthenticated, c.authenticated);
  }
}

TEST_F(Policy, IsLookedAtBeforeTheNodeThatCommits) {
  Demand(kBestEffort, kNeedsEncryption);
  EXPECT_THAT(Commit(TestNode(), kInsecure), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
}

TEST_F(Policy, JoinHoldsTheSealAgainstTheModeAndTheRegistration) {
  const struct {
    ClusterConfiguration::TPMMode mode;
    common::NodeTPMUsage usage;
    bool sealed;
    bool allowed;
  } kCases[] = {{kRequired, kUsed, true, true},          {kRequired, kUsed, false, false},
                {kRequired, kNotPresent, true, false},   {kRequired, kNotPresent, false, false},
                {kBestEffort, kUsed, true, true},        {kBestEffort, kUsed, false, false},
                {kBestEffort, kUnused, true, false},     {kBestEffort, kUnused, false, true},
                {kBestEffort, kNotPresent, true, false}, {kBestEffort, kNotPresent, false, true},
                {kDisabled, kUsed, true, false},         {kDisabled, kUsed, false, false},
                {kDisabled, kUnused, true, false},       {kDisabled, kUnused, false, true}};
  for (const auto& c : kCases) {
    Demand(c.mode);
    TestNode node;
    node.record.set_tpm_usage(c.usage);
    Put(node);
    EXPECT_THAT(Join(node, c.sealed),
                HasCode(c.allowed ? grpc::StatusCode::OK : grpc::StatusCode::PERMISSION_DENIED))
        << c.mode << " " << c.usage << " " << c.sealed;
  }
}

}  // namespace
}  // namespace curatord
