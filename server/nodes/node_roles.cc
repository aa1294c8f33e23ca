#include "server/nodes/node_roles.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/nodes/departure.h"
#include "server/pki/cluster_pki.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using metropolis::proto::api::UpdateNodeRolesRequest;
using metropolis::proto::common::NodeRoles;
namespace common = metropolis::proto::common;

// Existing curators drop a consensus member whose record lacks one of the three,
// and fail every watch. The peer certificate is no client certificate that a leader
// of ours takes: it is not the one that the node was committed with.
absl::StatusOr<NodeRoles::ConsensusMember> NewConsensusMember(const DecisionView& view,
                                                              const curator::storage::Node& node) {
  if (node.fsm_state() == common::NODE_STATE_NEW) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", node.id(),
                     " is not approved: no certificate is issued to it, which consensus_member "
                     "needs"));
  }
  absl::StatusOr<ClusterPki> pki =
      LoadClusterPki([&view](absl::string_view key) { return view.Find(key); });
  if (!pki.ok()) return pki.status();
  NodeRoles::ConsensusMember member;
  member.set_ca_certificate(pki->ca.der());
  member.set_peer_certificate(IssueNodeCertificate(pki->ca, pki->ca_key, node.public_key()).der());
  absl::optional<std::string> revoked = view.Find(keys::kCaRevocationList);
  const bool listed = revoked.has_value() && !revoked->empty();
  member.set_initial_crl(listed ? *std::move(revoked) : IssueEmptyRevocationList(*pki));
  return member;
}

absl::Status RefuseIfLeaving(const DecisionView& view, const curator::storage::Node& node) {
  if (!IsLeaving(view, node)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("node ", node.id(), " is being decommissioned: it gets no new role"));
}

// `roles` are those of `node` as far as the request was applied.
absl::Status SetConsensusMember(const DecisionView& view, const curator::storage::Node& node,
                                bool wanted, NodeRoles* roles) {
  if (wanted == roles->has_consensus_member()) return absl::OkStatus();
  if (!wanted) {
    if (roles->has_kubernetes_controller()) {
      return absl::FailedPreconditionError(
          absl::StrCat("node ", node.id(),
                       " is a kubernetes_controller, which must be a consensus_member: drop "
                       "kubernetes_controller first, in a request of its own"));
    }
    roles->clear_consensus_member();
    return absl::OkStatus();
  }
  if (absl::Status leaving = RefuseIfLeaving(view, node); !leaving.ok()) return leaving;
  absl::StatusOr<NodeRoles::ConsensusMember> member = NewConsensusMember(view, node);
  if (!member.ok()) return member.status();
  *roles->mutable_consensus_member() = *std::move(member);
  return absl::OkStatus();
}

absl::Status SetController(const DecisionView& view, const curator::storage::Node& node,
                           bool wanted, NodeRoles* roles) {
  if (wanted == roles->has_kubernetes_controller()) return absl::OkStatus();
  if (!wanted) {
    roles->clear_kubernetes_controller();
    return absl::OkStatus();
  }
  if (absl::Status leaving = RefuseIfLeaving(view, node); !leaving.ok()) return leaving;
  if (!roles->has_consensus_member()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a kubernetes_controller must be a consensus_member, and node ", node.id(), " is none"));
  }
  roles->mutable_kubernetes_controller();
  return absl::OkStatus();
}

absl::Status SetWorker(const DecisionView& view, const curator::storage::Node& node, bool wanted,
                       NodeRoles* roles) {
  if (wanted == roles->has_kubernetes_worker()) return absl::OkStatus();
  if (!wanted) {
    roles->clear_kubernetes_worker();
    return absl::OkStatus();
  }
  if (absl::Status leaving = RefuseIfLeaving(view, node); !leaving.ok()) return leaving;
  roles->mutable_kubernetes_worker();
  return absl::OkStatus();
}

}  // namespace

bool HasRoles(const curator::storage::Node& node) {
  const NodeRoles& roles = node.roles();
  return roles.has_consensus_member() || roles.has_kubernetes_controller() ||
         roles.has_kubernetes_worker();
}

std::string NamesOfRoles(const curator::storage::Node& node) {
  std::vector<absl::string_view> names;
  if (node.roles().has_consensus_member()) names.push_back("consensus_member");
  if (node.roles().has_kubernetes_controller()) names.push_back("kubernetes_controller");
  if (node.roles().has_kubernetes_worker()) names.push_back("kubernetes_worker");
  return absl::StrJoin(names, ", ");
}

Operations DecideRoles(const DecisionView& view, const UpdateNodeRolesRequest& request) {
  absl::StatusOr<NodeSelector> selector = SelectorOf(request);
  if (!selector.ok()) return selector.status();
  absl::StatusOr<const curator::storage::Node*> known = FindSelected(view, *selector);
  if (!known.ok()) return known.status();
  curator::storage::Node node = **known;
  NodeRoles* const roles = node.mutable_roles();
  if (request.has_consensus_member()) {
    absl::Status set = SetConsensusMember(view, **known, request.consensus_member(), roles);
    if (!set.ok()) return set;
  }
  if (request.has_kubernetes_controller()) {
    absl::Status set = SetController(view, **known, request.kubernetes_controller(), roles);
    if (!set.ok()) return set;
  }
  if (request.has_kubernetes_worker()) {
    absl::Status set = SetWorker(view, **known, request.kubernetes_worker(), roles);
    if (!set.ok()) return set;
  }
  if (roles->SerializeAsString() == (*known)->roles().SerializeAsString()) {
    return std::vector<Operation>{};
  }
  return std::vector<Operation>{PutNode(node)};
}

}  // namespace curatord
