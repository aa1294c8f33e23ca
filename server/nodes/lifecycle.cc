#include "server/nodes/lifecycle.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/node_id.h"
#include "server/nodes/cluster_networking.h"
#include "server/nodes/configuration.h"
#include "server/nodes/node_labels.h"
#include "server/pki/cluster_pki.h"
#include "server/rpc/rpc_error.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using curator::identity::ConstantTimeEqual;
using curator::identity::NodeIdFromPublicKey;
using metropolis::proto::common::ClusterConfiguration;
using metropolis::proto::common::NodeStorageSecurity;
using metropolis::proto::common::NodeTPMUsage;
namespace common = metropolis::proto::common;

constexpr size_t kKeySize = 32;
constexpr int kHighestPort = 65535;
// Every watch of all nodes gets the status of each. Real ones have about 100 bytes.
constexpr size_t kMaxStatusBytes = 4096;

absl::Status NoEphemeralCertificate() {
  return absl::UnauthenticatedError(
      "this call needs a self-signed client certificate of the node's key");
}

NodeStorageSecurity RecommendedStorage(ClusterConfiguration::StorageSecurityPolicy policy) {
  switch (policy) {
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION:
      return common::NODE_STORAGE_SECURITY_ENCRYPTED;
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE:
      return common::NODE_STORAGE_SECURITY_INSECURE;
    default:
      return common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED;
  }
}

bool StorageAllowed(ClusterConfiguration::StorageSecurityPolicy policy,
                    NodeStorageSecurity security) {
  switch (policy) {
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE:
      return true;
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION:
      return security != common::NODE_STORAGE_SECURITY_INSECURE;
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION:
      return security == common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED;
    case ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE:
      return security == common::NODE_STORAGE_SECURITY_INSECURE;
    default:
      return false;
  }
}

NodeTPMUsage TpmUsageFor(ClusterConfiguration::TPMMode mode, bool have_tpm) {
  if (!have_tpm) return common::NODE_TPM_USAGE_NOT_PRESENT;
  return mode == ClusterConfiguration::TPM_MODE_DISABLED ? common::NODE_TPM_USAGE_PRESENT_BUT_UNUSED
                                                         : common::NODE_TPM_USAGE_PRESENT_AND_USED;
}

// Of the first pairs sent; what is invalid or repeated is dropped, not refused.
common::NodeLabels UsableLabels(const common::NodeLabels& sent) {
  common::NodeLabels labels;
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < sent.pairs_size() && i < kMaxLabels; ++i) {
    const auto& pair = sent.pairs(i);
    if (!LabelKeyFault(pair.key()).empty() || !LabelValueFault(pair.value()).empty()) continue;
    if (seen.insert(pair.key()).second) *labels.add_pairs() = pair;
  }
  return labels;
}

}  // namespace

Operations DecideRegister(const DecisionView& view, const std::string& public_key,
                          const curator_api::RegisterNodeRequest& request,
                          const AdmitNewNode& admit, curator_api::RegisterNodeResponse* response) {
  if (public_key.empty()) return NoEphemeralCertificate();
  if (request.join_key().size() != kKeySize) {
    return absl::InvalidArgumentError(
        absl::StrCat("join_key has ", request.join_key().size(), " bytes, 32 are needed"));
  }
  absl::optional<std::string> ticket = view.Find(keys::kRegisterTicket);
  if (!ticket.has_value() || !ConstantTimeEqual(*ticket, request.register_ticket())) {
    return absl::PermissionDeniedError("the register ticket is not this cluster's");
  }
  const ClusterConfiguration configuration = ClusterConfigurationIn(view);
  if (configuration.tpm_mode() == ClusterConfiguration::TPM_MODE_REQUIRED &&
      !request.have_local_tpm()) {
    return absl::PermissionDeniedError(
        "this cluster takes only nodes with a TPM (TPM mode REQUIRED), and this node has none");
  }
  const std::string id = NodeIdFromPublicKey(public_key);
  const curator::storage::Node* known = view.FindNode(id);
  if (known != nullptr && known->fsm_state() != common::NODE_STATE_NEW) {
    return absl::FailedPreconditionError(absl::StrCat(
        "node ", id, " is registered already, its state is ", NameOf(known->fsm_state())));
  }
  std::vector<Operation> operations;
  NodeTPMUsage tpm_usage = TpmUsageFor(configuration.tpm_mode(), request.have_local_tpm());
  if (known != nullptr) {
    tpm_usage = known->tpm_usage();
  } else {
    const std::string join_key = keys::JoinKey(request.join_key());
    if (absl::optional<std::string> owner = view.Find(join_key); owner.has_value()) {
      return absl::FailedPreconditionError(
          absl::StrCat("join_key belongs to node ", *owner, " already"));
    }
    if (absl::Status admitted = admit(view); !admitted.ok()) return admitted;
    curator::storage::Node node;
    node.set_id(id);
    node.set_public_key(public_key);
    node.set_join_key(request.join_key());
    node.set_fsm_state(common::NODE_STATE_NEW);
    node.set_tpm_usage(tpm_usage);
    *node.mutable_labels() = UsableLabels(request.labels());
    operations.push_back(PutNode(node));
    operations.push_back(Operation::Put(join_key, id));
    // Of an earlier life, which a curator ended that does not know of this key.
    if (const std::string left = keys::Decommission(id); view.Find(left).has_value()) {
      operations.push_back(Operation::Delete(left));
    }
  }
  *response->mutable_cluster_configuration() = configuration;
  response->set_tpm_usage(tpm_usage);
  response->set_recommended_node_storage_security(
      RecommendedStorage(configuration.storage_security_policy()));
  return operations;
}

Operations DecideApprove(const DecisionView& view, const std::string& public_key) {
  const NodeSelector selector = NodeSelector::PublicKey(public_key);
  if (absl::Status valid = CheckSelector(selector); !valid.ok()) return valid;
  absl::StatusOr<const curator::storage::Node*> found = FindSelected(view, selector);
  if (!found.ok()) return found.status();
  const curator::storage::Node* const known = *found;
  switch (known->fsm_state()) {
    case common::NODE_STATE_NEW: {
      curator::storage::Node node = *known;
      node.set_fsm_state(common::NODE_STATE_STANDBY);
      return std::vector<Operation>{PutNode(node)};
    }
    case common::NODE_STATE_STANDBY:
    case common::NODE_STATE_UP:
      return std::vector<Operation>{};
    default:
      return absl::FailedPreconditionError(absl::StrCat(
          "node ", known->id(), " cannot be approved, its state is ", NameOf(known->fsm_state())));
  }
}

Operations DecideCommit(const DecisionView& view, const std::string& public_key,
                        const curator_api::CommitNodeRequest& request,
                        curator_api::CommitNodeResponse* response) {
  if (public_key.empty()) return NoEphemeralCertificate();
  const NodeStorageSecurity security = request.storage_security();
  if (security != common::NODE_STORAGE_SECURITY_INSECURE &&
      security != common::NODE_STORAGE_SECURITY_ENCRYPTED &&
      security != common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED) {
    return absl::InvalidArgumentError("storage_security is not set, or not known");
  }
  const auto policy = ClusterConfigurationIn(view).storage_security_policy();
  if (!StorageAllowed(policy, security)) {
    return absl::FailedPreconditionError(
        absl::StrCat("storage security ", common::NodeStorageSecurity_Name(security),
                     " is against the cluster's policy ",
                     ClusterConfiguration::StorageSecurityPolicy_Name(policy)));
  }
  const std::string id = NodeIdFromPublicKey(public_key);
  const curator::storage::Node* known = view.FindNode(id);
  if (known == nullptr || known->public_key() != public_key) return NoSuchNode(id);

  const auto find = [&view](absl::string_view key) { return view.Find(key); };
  switch (known->fsm_state()) {
    case common::NODE_STATE_NEW:
      return absl::PermissionDeniedError(absl::StrCat("node ", id, " is new: wait for approval"));
    case common::NODE_STATE_STANDBY:
      break;
    case common::NODE_STATE_UP: {
      absl::optional<std::string> ca = view.Find(keys::kCaCertificate);
      absl::optional<std::string> certificate = view.Find(keys::NodeCertificate(id));
      if (!known->has_status() && ca.has_value() && certificate.has_value() &&
          ConstantTimeEqual(known->cluster_unlock_key(), request.cluster_unlock_key())) {
        response->set_ca_certificate(*ca);
        response->set_node_certificate(*certificate);
        return std::vector<Operation>{};
      }
      return absl::FailedPreconditionError(absl::StrCat("node ", id, " is UP already"));
    }
    default:
      return absl::FailedPreconditionError(absl::StrCat(
          "node ", id, " cannot be committed, its state is ", NameOf(known->fsm_state())));
  }
  // Where nothing is locked a key may be missing.
  const size_t key_size = request.cluster_unlock_key().size();
  if (security == common::NODE_STORAGE_SECURITY_INSECURE ? key_size > kKeySize
                                                         : key_size != kKeySize) {
    return absl::InvalidArgumentError(
        absl::StrCat("cluster_unlock_key has ", key_size, " bytes, 32 are needed"));
  }
  absl::StatusOr<ClusterPki> pki = LoadClusterPki(find);
  if (!pki.ok()) return pki.status();
  const std::string certificate = IssueNodeCertificate(pki->ca, pki->ca_key, public_key).der();
  curator::storage::Node node = *known;
  node.set_fsm_state(common::NODE_STATE_UP);
  node.set_cluster_unlock_key(request.cluster_unlock_key());
  response->set_ca_certificate(pki->ca.der());
  response->set_node_certificate(certificate);
  return std::vector<Operation>{PutNode(node),
                                Operation::Put(keys::NodeCertificate(id), certificate)};
}

Operations DecideJoin(const DecisionView& view, const std::string& join_key,
                      const curator_api::JoinNodeRequest& request,
                      curator_api::JoinNodeResponse* response) {
  if (join_key.empty()) {
    return absl::PermissionDeniedError(
        "this call needs a self-signed client certificate of the node's join key");
  }
  absl::optional<std::string> id = view.Find(keys::JoinKey(join_key));
  const curator::storage::Node* node = id.has_value() ? view.FindNode(*id) : nullptr;
  if (node == nullptr) return absl::NotFoundError("no node has this join key");
  const bool sealed = request.using_sealed_configuration();
  const auto mode = ClusterConfigurationIn(view).tpm_mode();
  if (mode == ClusterConfiguration::TPM_MODE_REQUIRED && !sealed) {
    return absl::PermissionDeniedError(
        "this cluster demands a configuration sealed by a TPM (TPM mode REQUIRED)");
  }
  if (mode == ClusterConfiguration::TPM_MODE_DISABLED && sealed) {
    return absl::PermissionDeniedError(
        "this cluster takes no configuration sealed by a TPM (TPM mode DISABLED)");
  }
  if (sealed != (node->tpm_usage() == common::NODE_TPM_USAGE_PRESENT_AND_USED)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "node ", *id, " registered with TPM usage ", common::NodeTPMUsage_Name(node->tpm_usage()),
        ", its configuration is ", sealed ? "sealed" : "not sealed"));
  }
  if (node->fsm_state() != common::NODE_STATE_UP) {
    const bool has_left = node->fsm_state() == common::NODE_STATE_DECOMMISSIONED;
    return WithReason(
        absl::FailedPreconditionError(
            absl::StrCat("node ", *id, " is not UP, its state is ", NameOf(node->fsm_state()))),
        curator::core::kReasonNodeNotUp,
        {{curator::core::kOwnNodeKey, has_left ? curator::core::kOwnNodeDecommissioned : ""}});
  }
  response->set_cluster_unlock_key(node->cluster_unlock_key());
  return std::vector<Operation>{};
}

absl::Status CheckStatus(const common::NodeStatus& status) {
  if (!ParseIpAddress(status.external_address()).has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("external_address ", Quoted(status.external_address()), " is no IP address"));
  }
  const int port = status.running_curator().port();
  if (port < 0 || port > kHighestPort) {
    return absl::InvalidArgumentError(
        absl::StrCat("running_curator.port ", port, " is no port, 1 to ", kHighestPort, " are"));
  }
  if (const size_t size = status.ByteSizeLong(); size > kMaxStatusBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("status has ", size, " bytes, at most ", kMaxStatusBytes, " are allowed"));
  }
  return absl::OkStatus();
}

Operations DecideStatus(const DecisionView& view, const std::string& node_id,
                        const common::NodeStatus& status, absl::Time now) {
  if (absl::Status valid = CheckStatus(status); !valid.ok()) return valid;
  const curator::storage::Node* known = view.FindNode(node_id);
  if (known == nullptr) return NoSuchNode(node_id);
  curator::storage::Node node = *known;
  *node.mutable_status() = status;
  const absl::Duration since_epoch = now - absl::UnixEpoch();
  auto* timestamp = node.mutable_status()->mutable_timestamp();
  timestamp->set_seconds(absl::ToInt64Seconds(since_epoch));
  timestamp->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(since_epoch - absl::Seconds(timestamp->seconds()))));
  return std::vector<Operation>{PutNode(node)};
}

Operations DecideOwnAddress(const DecisionView& view, const std::string& node_id,
                            const std::string& external_address, int curator_port, absl::Time now) {
  const curator::storage::Node* known = view.FindNode(node_id);
  if (known == nullptr || known->fsm_state() == common::NODE_STATE_DECOMMISSIONED) {
    return NoSuchNode(node_id);
  }
  common::NodeStatus status = known->status();
  if (status.external_address() == external_address &&
      status.running_curator().port() == curator_port) {
    return std::vector<Operation>{};
  }
  status.set_external_address(external_address);
  status.mutable_running_curator()->set_port(curator_port);
  return DecideStatus(view, node_id, status, now);
}

}  // namespace curatord
