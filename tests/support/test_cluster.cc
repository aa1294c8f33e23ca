#include "tests/support/test_cluster.h"

#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "server/nodes/configuration.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"

namespace curatord::testing_support {

using curator::Identity;
using curator::identity::PrivateKey;
using metropolis::proto::common::ClusterConfiguration;

namespace {

ClusterPki NewPki() {
  const PrivateKey key = PrivateKey::Generate();
  return {IssueCaCertificate(key, "Test CA"), key};
}

Identity MakeIdentity(const curator::identity::Certificate& certificate, const PrivateKey& key) {
  absl::StatusOr<Identity> identity = Identity::FromPem(certificate.pem(), key.ToPem());
  EXPECT_TRUE(identity.ok()) << identity.status();
  return *std::move(identity);
}

}  // namespace

TestNode::TestNode(metropolis::proto::common::NodeState state) {
  record.set_id(curator::identity::NodeIdFromPublicKey(key.public_key()));
  record.set_public_key(key.public_key());
  record.set_join_key(join_key.public_key());
  record.set_fsm_state(state);
  record.set_tpm_usage(metropolis::proto::common::NODE_TPM_USAGE_NOT_PRESENT);
}

TestCluster::TestCluster()
    : pki(NewPki()),
      owner_certificate(IssueUserCertificate(pki.ca, pki.ca_key, owner_key.public_key(), "owner")) {
  curator::storage::RegisterTicket message;
  message.set_opaque(curator::identity::RandomBytes(32));
  ticket = message.SerializeAsString();
  configuration = DefaultClusterConfiguration();
  configuration.set_tpm_mode(ClusterConfiguration::TPM_MODE_BEST_EFFORT);
  configuration.set_storage_security_policy(
      ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE);
}

std::vector<Operation> TestCluster::Contents() const {
  curator::storage::InitialOwner owner;
  owner.set_public_key(owner_key.public_key());
  return {
      Operation::Put(std::string(keys::kCaPrivateKey), pki.ca_key.ToRaw()),
      Operation::Put(std::string(keys::kCaCertificate), pki.ca.der()),
      Operation::Put(std::string(keys::kInitialOwner), owner.SerializeAsString()),
      Operation::Put(std::string(keys::kOwnerCertificate), owner_certificate.der()),
      Operation::Put(std::string(keys::kRegisterTicket), ticket),
      Operation::Put(std::string(keys::kClusterConfiguration), configuration.SerializeAsString()),
  };
}

std::vector<Operation> TestCluster::ContentsOf(const TestNode& node) const {
  std::vector<Operation> contents = {
      Operation::Put(keys::Node(node.id()), SerializeNode(node.record)),
      Operation::Put(keys::JoinKey(node.join_key.public_key()), node.id())};
  if (node.record.fsm_state() == metropolis::proto::common::NODE_STATE_UP) {
    contents.push_back(Operation::Put(keys::NodeCertificate(node.id()), CertificateOf(node).der()));
  }
  return contents;
}

curator::identity::Certificate TestCluster::CertificateOf(const TestNode& node) const {
  absl::MutexLock lock(&mutex_);
  auto issued = issued_.find(node.id());
  if (issued == issued_.end()) {
    issued = issued_.emplace(node.id(), IssueNodeCertificate(pki.ca, pki.ca_key, node.public_key()))
                 .first;
  }
  return issued->second;
}

void TestCluster::WriteTo(Store* store, const std::vector<const TestNode*>& nodes) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  absl::StatusOr<CommitResult> committed = store->Commit({}, Contents(), deadline);
  ASSERT_TRUE(committed.ok()) << committed.status();
  for (const TestNode* node : nodes) {
    committed = store->Commit({}, ContentsOf(*node), deadline);
    ASSERT_TRUE(committed.ok()) << committed.status();
  }
}

curator::ClusterCa TestCluster::ca() const {
  absl::StatusOr<curator::ClusterCa> ca = curator::ClusterCa::FromDer(pki.ca.der());
  EXPECT_TRUE(ca.ok()) << ca.status();
  return *std::move(ca);
}

Identity TestCluster::NodeIdentity(const TestNode& node) const {
  return MakeIdentity(CertificateOf(node), node.key);
}

Identity TestCluster::OwnerIdentity() const { return MakeIdentity(owner_certificate, owner_key); }

Identity TestCluster::Ephemeral(const PrivateKey& key) {
  absl::StatusOr<Identity> identity = Identity::Ephemeral(key);
  EXPECT_TRUE(identity.ok()) << identity.status();
  return *std::move(identity);
}

}  // namespace curatord::testing_support
