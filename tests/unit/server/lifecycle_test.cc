// ApproveNode, CommitNode, JoinNode and UpdateNodeStatus, rule by rule in the
// order of protocol section 4.
#include <string>
#include <utility>
#include <vector>

#include "libclient/identity/certificate.h"
#include "libclient/identity/verification.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using metropolis::proto::common::ClusterConfiguration;
using testing::HasSubstr;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::Refused;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::kNotFound;
using testing_support::kPermissionDenied;
using testing_support::kUnauthenticated;

using ApproveNode = testing_support::DecisionTest;

TEST_F(ApproveNode, TakesANewNodeToStandby) {
  TestNode node(common::NODE_STATE_NEW);
  node.record.mutable_labels()->add_pairs()->set_key("zone");
  Add(node);
  const curator::storage::Node stored =
      Written(DecideApprove(View(), node.public_key()), node.id());
  EXPECT_EQ(stored.fsm_state(), common::NODE_STATE_STANDBY);
  EXPECT_EQ(stored.join_key(), node.join_key.public_key());
  EXPECT_EQ(stored.labels().pairs(0).key(), "zone");
  EXPECT_TRUE(stored.has_roles());
}

TEST_F(ApproveNode, OfAnApprovedNodeChangesNothing) {
  for (common::NodeState state : {common::NODE_STATE_STANDBY, common::NODE_STATE_UP}) {
    const TestNode node(state);
    Add(node);
    EXPECT_THAT(DecideApprove(View(), node.public_key()), DecidedToWriteNothing());
  }
}

TEST_F(ApproveNode, RefusesEverythingElse) {
  const TestNode gone(common::NODE_STATE_DECOMMISSIONED);
  Add(gone);
  EXPECT_THAT(DecideApprove(View(), gone.public_key()), Refused(kFailedPrecondition));
  EXPECT_THAT(DecideApprove(View(), TestNode().public_key()), Refused(kNotFound));
  EXPECT_THAT(DecideApprove(View(), ""), Refused(kInvalidArgument));
  EXPECT_THAT(DecideApprove(View(), gone.public_key().substr(1)), Refused(kInvalidArgument));
  EXPECT_THAT(DecideApprove(View(), gone.id()), Refused(kInvalidArgument));
}

// The id covers the first 16 bytes of the key only.
TEST_F(ApproveNode, DoesNotTakeAKeyWithTheSameIdForTheNode) {
  const TestNode node(common::NODE_STATE_NEW);
  Add(node);
  std::string other = node.public_key();
  other.back() ^= 1;
  EXPECT_THAT(DecideApprove(View(), other), Refused(kNotFound));
}

class CommitNode : public testing_support::DecisionTest {
 protected:
  CommitNode() {
    request_.set_storage_security(common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED);
    request_.set_cluster_unlock_key(std::string(32, 'u'));
  }
  Operations Decide(const TestNode& node) { return Decide(node.public_key()); }
  Operations Decide(const std::string& public_key) {
    response_.Clear();
    return DecideCommit(View(), public_key, request_, &response_);
  }
  void SetPolicy(ClusterConfiguration::StorageSecurityPolicy policy) {
    cluster_.configuration.set_storage_security_policy(policy);
    Reconfigure();
  }

  curator_api::CommitNodeRequest request_;
  curator_api::CommitNodeResponse response_;
};

TEST_F(CommitNode, TakesAStandbyNodeUpAndIssuesItsCertificate) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  const Operations decided = Decide(node);
  const curator::storage::Node stored = Written(decided, node.id());
  EXPECT_EQ(stored.fsm_state(), common::NODE_STATE_UP);
  EXPECT_EQ(stored.cluster_unlock_key(), request_.cluster_unlock_key());
  EXPECT_EQ(response_.ca_certificate(), cluster_.pki.ca.der());
  auto certificate = curator::identity::Certificate::FromDer(response_.node_certificate());
  ASSERT_TRUE(certificate.ok());
  EXPECT_TRUE(VerifyNodeCertificate(*certificate, cluster_.pki.ca, absl::Now(), node.id()).ok());
  ASSERT_EQ(decided->size(), 2u);
  EXPECT_EQ((*decided)[1].key, keys::NodeCertificate(node.id()));
  EXPECT_EQ((*decided)[1].value, response_.node_certificate());
}

// Each request is wrong in this and in every later respect: the earliest counts.
TEST_F(CommitNode, ChecksInTheOrderOfTheProtocol) {
  SetPolicy(ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION);
  TestNode node(common::NODE_STATE_NEW);
  request_.clear_storage_security();
  request_.set_cluster_unlock_key("short");
  EXPECT_THAT(Decide(""), Refused(kUnauthenticated));
  EXPECT_THAT(Decide(node), Refused(kInvalidArgument));
  request_.set_storage_security(static_cast<common::NodeStorageSecurity>(77));
  EXPECT_THAT(Decide(node), Refused(kInvalidArgument));
  request_.set_storage_security(common::NODE_STORAGE_SECURITY_INSECURE);
  EXPECT_THAT(Decide(node), Refused(kFailedPrecondition));
  request_.set_storage_security(common::NODE_STORAGE_SECURITY_ENCRYPTED);
  EXPECT_THAT(Decide(node), Refused(kNotFound));
  Add(node);
  const Operations waiting = Decide(node);
  EXPECT_THAT(waiting, Refused(kPermissionDenied));
  EXPECT_THAT(std::string(waiting.status().message()), HasSubstr("wait for approval"));
  for (common::NodeState state : {common::NODE_STATE_UP, common::NODE_STATE_DECOMMISSIONED}) {
    node.record.set_fsm_state(state);
    Add(node);
    EXPECT_THAT(Decide(node), Refused(kFailedPrecondition));
  }
  node.record.set_fsm_state(common::NODE_STATE_STANDBY);
  Add(node);
  EXPECT_THAT(Decide(node), Refused(kInvalidArgument));
}

TEST_F(CommitNode, HoldsStorageAgainstThePolicy) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  constexpr int kInsecure = 1, kEncrypted = 2, kAuthenticated = 4;
  const std::vector<std::pair<ClusterConfiguration::StorageSecurityPolicy, int>> cases = {
      {ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE,
       kInsecure | kEncrypted | kAuthenticated},
      {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION, kEncrypted | kAuthenticated},
      {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION,
       kAuthenticated},
      {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE, kInsecure},
  };
  const std::vector<std::pair<common::NodeStorageSecurity, int>> kinds = {
      {common::NODE_STORAGE_SECURITY_INSECURE, kInsecure},
      {common::NODE_STORAGE_SECURITY_ENCRYPTED, kEncrypted},
      {common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED, kAuthenticated}};
  for (const auto& [policy, allowed] : cases) {
    SetPolicy(policy);
    for (const auto& [security, bit] : kinds) {
      request_.set_storage_security(security);
      if (allowed & bit) {
        EXPECT_THAT(Decide(node), DecidedToWrite()) << policy << " " << security;
      } else {
        EXPECT_THAT(Decide(node), Refused(kFailedPrecondition)) << policy << " " << security;
      }
    }
  }
}

TEST_F(CommitNode, NeedsNoUnlockKeyForInsecureStorage) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  request_.set_storage_security(common::NODE_STORAGE_SECURITY_INSECURE);
  request_.clear_cluster_unlock_key();
  EXPECT_THAT(Decide(node), DecidedToWrite());
}

TEST_F(CommitNode, StoresNoUnlockKeyThatIsNone) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  request_.set_storage_security(common::NODE_STORAGE_SECURITY_INSECURE);
  request_.set_cluster_unlock_key(std::string(1 << 20, 'u'));
  EXPECT_THAT(Decide(node), Refused(kInvalidArgument));
}

TEST_F(CommitNode, RepeatedBeforeTheFirstStatusReturnsTheStoredCertificate) {
  TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  const Operations first = Decide(node);
  ASSERT_THAT(first, DecidedToWrite());
  const curator_api::CommitNodeResponse answer = response_;
  Apply(*first);
  EXPECT_THAT(Decide(node), DecidedToWriteNothing());
  EXPECT_EQ(response_.SerializeAsString(), answer.SerializeAsString());

  request_.set_cluster_unlock_key(std::string(32, 'v'));
  EXPECT_THAT(Decide(node), Refused(kFailedPrecondition));
  EXPECT_TRUE(response_.node_certificate().empty());
}

TEST_F(CommitNode, RepeatedAfterTheFirstStatusIsRefused) {
  TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  Apply(*Decide(node));
  common::NodeStatus status;
  status.set_external_address("10.0.0.1");
  Apply(*DecideStatus(View(), node.id(), status, absl::Now()));
  EXPECT_THAT(Decide(node), Refused(kFailedPrecondition));
}

TEST_F(CommitNode, OfAKeyWithTheIdOfAnotherIsNotFound) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  std::string other = node.public_key();
  other.back() ^= 1;
  EXPECT_THAT(Decide(other), Refused(kNotFound));
}

TEST_F(CommitNode, WithoutAUsableCaSaysSo) {
  const TestNode node(common::NODE_STATE_STANDBY);
  Add(node);
  Apply({Operation::Put(std::string(keys::kCaPrivateKey), "damaged")});
  EXPECT_THAT(Decide(node), Refused(absl::StatusCode::kDataLoss));
}

class JoinNode : public testing_support::DecisionTest {
 protected:
  Operations Decide(const std::string& join_key, bool sealed) {
    request_.set_using_sealed_configuration(sealed);
    return DecideJoin(View(), join_key, request_, &response_);
  }
  void SetMode(ClusterConfiguration::TPMMode mode) {
    cluster_.configuration.set_tpm_mode(mode);
    Reconfigure();
  }
  TestNode UpNode(common::NodeTPMUsage usage) {
    TestNode node(common::NODE_STATE_UP);
    node.record.set_cluster_unlock_key("unlock");
    node.record.set_tpm_usage(usage);
    Add(node);
    return node;
  }

  curator_api::JoinNodeRequest request_;
  curator_api::JoinNodeResponse response_;
};

TEST_F(JoinNode, ReturnsTheUnlockKey) {
  const TestNode node = UpNode(common::NODE_TPM_USAGE_NOT_PRESENT);
  EXPECT_THAT(Decide(node.join_key.public_key(), false), DecidedToWriteNothing());
  EXPECT_EQ(response_.cluster_unlock_key(), "unlock");
}

TEST_F(JoinNode, ChecksInTheOrderOfTheProtocol) {
  SetMode(ClusterConfiguration::TPM_MODE_REQUIRED);
  TestNode node(common::NODE_STATE_STANDBY);
  const std::string key = node.join_key.public_key();
  EXPECT_THAT(Decide("", false), Refused(kPermissionDenied));  // not UNAUTHENTICATED
  EXPECT_THAT(Decide(key, false), Refused(kNotFound));
  Add(node);
  const Operations unsealed = Decide(key, false);
  EXPECT_THAT(unsealed, Refused(kPermissionDenied));
  EXPECT_THAT(std::string(unsealed.status().message()), HasSubstr("REQUIRED"));
  const Operations other_usage = Decide(key, true);
  EXPECT_THAT(other_usage, Refused(kPermissionDenied));
  EXPECT_THAT(std::string(other_usage.status().message()), HasSubstr("registered"));
  node.record.set_tpm_usage(common::NODE_TPM_USAGE_PRESENT_AND_USED);
  Add(node);
  EXPECT_THAT(Decide(key, true), Refused(kFailedPrecondition));
  EXPECT_TRUE(response_.cluster_unlock_key().empty());
}

TEST_F(JoinNode, HoldsTheSealAgainstTheModeAndTheRegistration) {
  const std::string used = UpNode(common::NODE_TPM_USAGE_PRESENT_AND_USED).join_key.public_key();
  const std::string unused =
      UpNode(common::NODE_TPM_USAGE_PRESENT_BUT_UNUSED).join_key.public_key();
  const std::string none = UpNode(common::NODE_TPM_USAGE_NOT_PRESENT).join_key.public_key();
  struct Case {
    ClusterConfiguration::TPMMode mode;
    std::string join_key;
    bool sealed;
    bool passes;
  };
  const Case cases[] = {
      {ClusterConfiguration::TPM_MODE_REQUIRED, used, true, true},
      {ClusterConfiguration::TPM_MODE_REQUIRED, used, false, false},
      {ClusterConfiguration::TPM_MODE_REQUIRED, none, false, false},
      {ClusterConfiguration::TPM_MODE_REQUIRED, none, true, false},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, used, true, true},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, used, false, false},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, none, false, true},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, none, true, false},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, unused, false, true},
      {ClusterConfiguration::TPM_MODE_DISABLED, unused, false, true},
      {ClusterConfiguration::TPM_MODE_DISABLED, used, true, false},
      {ClusterConfiguration::TPM_MODE_DISABLED, used, false, false},
  };
  for (const Case& c : cases) {
    SetMode(c.mode);
    if (c.passes) {
      EXPECT_THAT(Decide(c.join_key, c.sealed), DecidedToWriteNothing()) << c.mode;
    } else {
      EXPECT_THAT(Decide(c.join_key, c.sealed), Refused(kPermissionDenied)) << c.mode;
    }
  }
}

TEST_F(JoinNode, OfANodeThatIsNotUpIsRefused) {
  for (common::NodeState state :
       {common::NODE_STATE_NEW, common::NODE_STATE_STANDBY, common::NODE_STATE_DECOMMISSIONED}) {
    const TestNode node(state);
    Add(node);
    EXPECT_THAT(Decide(node.join_key.public_key(), false), Refused(kFailedPrecondition));
  }
}

TEST_F(JoinNode, WithTheNodesOwnKeyFindsNothing) {
  const TestNode node = UpNode(common::NODE_TPM_USAGE_NOT_PRESENT);
  EXPECT_THAT(Decide(node.public_key(), false), Refused(kNotFound));
}

class UpdateNodeStatus : public testing_support::DecisionTest {
 protected:
  UpdateNodeStatus() {
    status_.set_external_address("10.0.0.7");
    status_.mutable_timestamp()->set_seconds(1);
    Add(node_);
  }
  Operations Decide() { return DecideStatus(View(), node_.id(), status_, now_); }

  const absl::Time now_ = absl::FromUnixNanos(1'700'000'000'123'456'789);
  TestNode node_;
  common::NodeStatus status_;
};

TEST_F(UpdateNodeStatus, StoresTheStatusWithTheServersTime) {
  status_.set_boot_id("boot");
  status_.mutable_running_curator()->set_port(7835);
  const common::NodeStatus stored = Written(Decide(), node_.id()).status();
  EXPECT_EQ(stored.external_address(), "10.0.0.7");
  EXPECT_EQ(stored.boot_id(), "boot");
  EXPECT_EQ(stored.running_curator().port(), 7835);
  EXPECT_EQ(stored.timestamp().seconds(), 1'700'000'000);
  EXPECT_EQ(stored.timestamp().nanos(), 123'456'789);
}

TEST_F(UpdateNodeStatus, ReplacesTheWholeStatus) {
  status_.set_boot_id("boot");
  status_.mutable_running_curator()->set_port(7835);
  Apply(*Decide());
  status_.Clear();
  status_.set_external_address("fd00::7");
  const common::NodeStatus stored = Written(Decide(), node_.id()).status();
  EXPECT_EQ(stored.external_address(), "fd00::7");
  EXPECT_TRUE(stored.boot_id().empty());
  EXPECT_FALSE(stored.has_running_curator());
}

TEST_F(UpdateNodeStatus, KeepsTheRestOfTheNode) {
  node_.record.set_cluster_unlock_key("unlock");
  node_.record.mutable_roles()->mutable_consensus_member()->set_ca_certificate("ca");
  Add(node_);
  curator::storage::Node stored = Written(Decide(), node_.id());
  stored.clear_status();
  stored.clear_labels();
  EXPECT_EQ(stored.SerializeAsString(), node_.record.SerializeAsString());
}

TEST_F(UpdateNodeStatus, TakesIpAddressesOnly) {
  for (const char* address : {"", "curator.example", "10.0.0.7:7835", "[fd00::7]", "10.0.0",
                              "10.0.0.7 ", "fd00::7%eth0"}) {
    status_.set_external_address(address);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << address;
  }
  for (const char* address : {"10.0.0.7", "fd00::7", "::1"}) {
    status_.set_external_address(address);
    EXPECT_THAT(Decide(), DecidedToWrite()) << address;
  }
}

TEST_F(UpdateNodeStatus, TakesPortsOnly) {
  for (int port : {-1, 65536, 1 << 30}) {
    status_.mutable_running_curator()->set_port(port);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << port;
  }
  for (int port : {0, 1, 65535}) {
    status_.mutable_running_curator()->set_port(port);
    EXPECT_THAT(Decide(), DecidedToWrite()) << port;
  }
}

TEST_F(UpdateNodeStatus, RefusesMoreThanEveryWatchShouldBeSent) {
  status_.set_boot_id(std::string(1 << 20, 'b'));
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  status_.clear_boot_id();
  status_.set_external_address(std::string(1 << 20, '1'));
  const Operations decided = Decide();
  EXPECT_THAT(decided, Refused(kInvalidArgument));
  EXPECT_LT(decided.status().message().size(), 500u);
}

TEST_F(UpdateNodeStatus, OfADeletedNodeIsNotFound) {
  Apply({Operation::Delete(keys::Node(node_.id()))});
  EXPECT_THAT(Decide(), Refused(kNotFound));
}

using OwnAddress = UpdateNodeStatus;

TEST_F(OwnAddress, IsStatedOnceAndKeepsTheRestOfTheStatus) {
  status_.set_boot_id("boot");
  Apply(*Decide());
  const Operations stated = DecideOwnAddress(View(), node_.id(), "10.0.0.9", 7000, now_);
  const common::NodeStatus stored = Written(stated, node_.id()).status();
  EXPECT_EQ(stored.external_address(), "10.0.0.9");
  EXPECT_EQ(stored.running_curator().port(), 7000);
  EXPECT_EQ(stored.boot_id(), "boot");
  Apply(*stated);
  EXPECT_THAT(DecideOwnAddress(View(), node_.id(), "10.0.0.9", 7000, now_),
              DecidedToWriteNothing());
  EXPECT_THAT(DecideOwnAddress(View(), node_.id(), "10.0.0.9", 7001, now_), DecidedToWrite());
}

TEST_F(OwnAddress, OfADecommissionedNodeIsNotFound) {
  node_.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  Add(node_);
  EXPECT_THAT(DecideOwnAddress(View(), node_.id(), "10.0.0.9", 7835, now_), Refused(kNotFound));
}

TEST_F(OwnAddress, OfANodeThatIsNotInTheClusterIsNotFound) {
  EXPECT_THAT(DecideOwnAddress(View(), TestNode().id(), "10.0.0.9", 7835, now_),
              Refused(kNotFound));
}

}  // namespace
}  // namespace curatord
