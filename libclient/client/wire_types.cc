#include "libclient/client/wire_types.h"

#include "absl/strings/str_cat.h"
#include "libclient/identity/node_id.h"

namespace curator {
namespace {

namespace common = metropolis::proto::common;
using WireNode = metropolis::proto::api::Node;

// Servers of the existing system fill in centuries, or negative spans, for nodes
// that never sent a heartbeat.
constexpr absl::Duration kImplausibleAge = absl::Hours(24 * 365 * 10);

TpmUsage FromWire(common::NodeTPMUsage usage) {
  switch (usage) {
    case common::NODE_TPM_USAGE_NOT_PRESENT:
      return TpmUsage::kNotPresent;
    case common::NODE_TPM_USAGE_PRESENT_BUT_UNUSED:
      return TpmUsage::kPresentButUnused;
    case common::NODE_TPM_USAGE_PRESENT_AND_USED:
      return TpmUsage::kPresentAndUsed;
    default:
      return TpmUsage::kUnknown;
  }
}

NodeHealth FromWire(WireNode::Health health) {
  switch (health) {
    case WireNode::HEALTH_HEALTHY:
      return NodeHealth::kHealthy;
    case WireNode::HEALTH_HEARTBEAT_TIMEOUT:
      return NodeHealth::kHeartbeatTimeout;
    default:
      return NodeHealth::kUnknown;
  }
}

std::string FromWire(const version::spec::Version& version) {
  if (!version.has_release() && !version.has_git_information()) return "";
  std::string text = absl::StrCat(version.release().major(), ".", version.release().minor(), ".",
                                  version.release().patch());
  const std::string& commit = version.git_information().commit_hash();
  if (!commit.empty()) absl::StrAppend(&text, "-g", commit.substr(0, 8));
  return text;
}

void SetRoles(const common::NodeRoles& roles, Node& node) {
  if (roles.has_consensus_member()) node.roles.push_back(NodeRole::kConsensusMember);
  if (roles.has_kubernetes_controller()) node.roles.push_back(NodeRole::kKubernetesController);
  if (roles.has_kubernetes_worker()) node.roles.push_back(NodeRole::kKubernetesWorker);
}

void SetStatus(const common::NodeStatus& status, Node& node) {
  node.address = status.external_address();
  node.curator_port = status.running_curator().port();
  node.version = FromWire(status.version());
  if (status.has_timestamp()) {
    node.status_time = absl::FromUnixSeconds(status.timestamp().seconds()) +
                       absl::Nanoseconds(status.timestamp().nanos());
  }
}

}  // namespace

NodeState FromWire(common::NodeState state) {
  switch (state) {
    case common::NODE_STATE_NEW:
      return NodeState::kNew;
    case common::NODE_STATE_STANDBY:
      return NodeState::kStandby;
    case common::NODE_STATE_UP:
      return NodeState::kUp;
    case common::NODE_STATE_DECOMMISSIONED:
      return NodeState::kDecommissioned;
    default:
      return NodeState::kUnknown;
  }
}

Node FromWire(const WireNode& wire) {
  Node node;
  node.public_key = wire.pubkey();
  node.id = wire.id().empty() ? identity::NodeIdFromPublicKey(wire.pubkey()) : wire.id();
  node.state = FromWire(wire.state());
  node.health = FromWire(wire.health());
  SetRoles(wire.roles(), node);
  for (const auto& pair : wire.labels().pairs()) node.labels[pair.key()] = pair.value();
  node.tpm = FromWire(wire.tpm_usage());
  if (wire.has_status()) SetStatus(wire.status(), node);
  if (wire.has_time_since_heartbeat()) {
    const absl::Duration age = absl::Seconds(wire.time_since_heartbeat().seconds()) +
                               absl::Nanoseconds(wire.time_since_heartbeat().nanos());
    if (age >= absl::ZeroDuration() && age < kImplausibleAge) node.heartbeat_age = age;
  }
  return node;
}

Node FromWire(const metropolis::node::core::curator::proto::api::Node& wire) {
  Node node;
  node.id = wire.id();
  node.state = FromWire(wire.state());
  SetRoles(wire.roles(), node);
  for (const auto& pair : wire.labels().pairs()) node.labels[pair.key()] = pair.value();
  if (wire.has_status()) SetStatus(wire.status(), node);
  return node;
}

ClusterConfiguration FromWire(const common::ClusterConfiguration& wire) {
  ClusterConfiguration configuration;
  configuration.cluster_domain = wire.cluster_domain();
  switch (wire.tpm_mode()) {
    case common::ClusterConfiguration::TPM_MODE_REQUIRED:
      configuration.tpm_mode = TpmMode::kRequired;
      break;
    case common::ClusterConfiguration::TPM_MODE_BEST_EFFORT:
      configuration.tpm_mode = TpmMode::kBestEffort;
      break;
    case common::ClusterConfiguration::TPM_MODE_DISABLED:
      configuration.tpm_mode = TpmMode::kDisabled;
      break;
    default:
      break;
  }
  switch (wire.storage_security_policy()) {
    case common::ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE:
      configuration.storage_security_policy = StorageSecurityPolicy::kPermissive;
      break;
    case common::ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION:
      configuration.storage_security_policy = StorageSecurityPolicy::kNeedsEncryption;
      break;
    case common::ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION:
      configuration.storage_security_policy =
          StorageSecurityPolicy::kNeedsEncryptionAndAuthentication;
      break;
    case common::ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE:
      configuration.storage_security_policy = StorageSecurityPolicy::kNeedsInsecure;
      break;
    default:
      break;
  }
  for (const auto& labels : wire.kubernetes().node_labels_to_synchronize()) {
    configuration.node_labels_to_synchronize.push_back(labels.regexp());
  }
  return configuration;
}

common::ClusterConfiguration ToWire(const ClusterConfiguration& configuration) {
  using Wire = common::ClusterConfiguration;
  Wire wire;
  wire.set_cluster_domain(configuration.cluster_domain);
  switch (configuration.tpm_mode) {
    case TpmMode::kUnknown:
      break;
    case TpmMode::kRequired:
      wire.set_tpm_mode(Wire::TPM_MODE_REQUIRED);
      break;
    case TpmMode::kBestEffort:
      wire.set_tpm_mode(Wire::TPM_MODE_BEST_EFFORT);
      break;
    case TpmMode::kDisabled:
      wire.set_tpm_mode(Wire::TPM_MODE_DISABLED);
      break;
  }
  switch (configuration.storage_security_policy) {
    case StorageSecurityPolicy::kUnknown:
      break;
    case StorageSecurityPolicy::kPermissive:
      wire.set_storage_security_policy(Wire::STORAGE_SECURITY_POLICY_PERMISSIVE);
      break;
    case StorageSecurityPolicy::kNeedsEncryption:
      wire.set_storage_security_policy(Wire::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION);
      break;
    case StorageSecurityPolicy::kNeedsEncryptionAndAuthentication:
      wire.set_storage_security_policy(
          Wire::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION);
      break;
    case StorageSecurityPolicy::kNeedsInsecure:
      wire.set_storage_security_policy(Wire::STORAGE_SECURITY_POLICY_NEEDS_INSECURE);
      break;
  }
  // Present even where it is empty: servers refuse a configuration without it.
  wire.mutable_kubernetes();
  for (const std::string& regexp : configuration.node_labels_to_synchronize) {
    wire.mutable_kubernetes()->add_node_labels_to_synchronize()->set_regexp(regexp);
  }
  return wire;
}

ClusterInfo FromWire(const metropolis::proto::api::GetClusterInfoResponse& wire) {
  ClusterInfo info;
  info.ca_certificate_der = wire.ca_certificate();
  for (const auto& node : wire.cluster_directory().nodes()) {
    DirectoryEntry entry;
    entry.id = node.id();
    for (const auto& address : node.addresses()) entry.addresses.push_back(address.host());
    info.directory.push_back(std::move(entry));
  }
  info.configuration = FromWire(wire.cluster_configuration());
  return info;
}

}  // namespace curator
