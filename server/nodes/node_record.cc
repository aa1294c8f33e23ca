#include "server/nodes/node_record.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libclient/identity/node_id.h"
#include "server/nodes/node_labels.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using metropolis::proto::common::NodeLabels;
using metropolis::proto::common::NodeRoles;

// Keeps the first of each key, drops what is invalid, sorts by key.
void CleanLabels(NodeLabels* labels) {
  absl::flat_hash_set<std::string> seen;
  std::vector<NodeLabels::Pair> kept;
  for (NodeLabels::Pair& pair : *labels->mutable_pairs()) {
    if (!LabelKeyFault(pair.key()).empty() || !LabelValueFault(pair.value()).empty()) continue;
    if (seen.insert(pair.key()).second) kept.push_back(std::move(pair));
  }
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
  labels->clear_pairs();
  for (NodeLabels::Pair& pair : kept) *labels->add_pairs() = std::move(pair);
}

}  // namespace

absl::StatusOr<NodeRecord> ParseNodeRecord(absl::string_view key, absl::string_view value,
                                           int64_t mod_revision) {
  NodeRecord record;
  record.mod_revision = mod_revision;
  if (!absl::ConsumePrefix(&key, keys::kNodes) || key.empty()) {
    return absl::InvalidArgumentError("not the key of a node");
  }
  record.id = std::string(key);
  if (!record.node.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("the value is no node");
  }
  if (curator::identity::NodeIdFromPublicKey(record.node.public_key()) != record.id) {
    return absl::DataLossError("the public key in the record is another node's");
  }
  if (!record.node.id().empty() && record.node.id() != record.id) {
    return absl::DataLossError(absl::StrCat("the record says it is node ", record.node.id()));
  }
  record.node.set_id(record.id);
  record.node.mutable_roles();
  CleanLabels(record.node.mutable_labels());
  return record;
}

std::string SerializeNode(curator::storage::Node node) {
  node.mutable_roles();
  return node.SerializeAsString();
}

metropolis::proto::api::Node ToManagementNode(const NodeRecord& record) {
  const curator::storage::Node& from = record.node;
  metropolis::proto::api::Node node;
  node.set_pubkey(from.public_key());
  node.set_id(record.id);
  node.set_state(from.fsm_state());
  if (from.has_status()) *node.mutable_status() = from.status();
  NodeRoles* roles = node.mutable_roles();
  if (from.roles().has_consensus_member()) roles->mutable_consensus_member();
  if (from.roles().has_kubernetes_controller()) roles->mutable_kubernetes_controller();
  if (from.roles().has_kubernetes_worker()) roles->mutable_kubernetes_worker();
  node.set_tpm_usage(from.tpm_usage());
  *node.mutable_labels() = from.labels();
  return node;
}

metropolis::node::core::curator::proto::api::Node ToWatchNode(const NodeRecord& record) {
  const curator::storage::Node& from = record.node;
  metropolis::node::core::curator::proto::api::Node node;
  node.set_id(record.id);
  *node.mutable_roles() = from.roles();
  if (from.has_status()) *node.mutable_status() = from.status();
  if (from.has_clusternet()) *node.mutable_clusternet() = from.clusternet();
  node.set_state(from.fsm_state());
  *node.mutable_labels() = from.labels();
  return node;
}

}  // namespace curatord
