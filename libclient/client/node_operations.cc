// The operations of Client that change one node.
#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/client.h"
#include "curator/v1/cluster_operations.pb.h"
#include "libclient/client/arguments.h"
#include "libclient/client/node_change.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace management = metropolis::proto::api;

bool IsApproved(NodeState state) { return state == NodeState::kStandby || state == NodeState::kUp; }

bool Has(const Node& node, NodeRole role) {
  return std::find(node.roles.begin(), node.roles.end(), role) != node.roles.end();
}

bool IsSo(const Node& node, const LabelChange& change) {
  return std::all_of(change.set.begin(), change.set.end(),
                     [&](const auto& label) {
                       const auto it = node.labels.find(label.first);
                       return it != node.labels.end() && it->second == label.second;
                     }) &&
         std::none_of(change.remove.begin(), change.remove.end(),
                      [&](const std::string& key) { return node.labels.count(key) != 0; });
}

bool IsSo(const Node& node, const RoleChange& change) {
  const auto has = [&](NodeRole role) { return Has(node, role); };
  return std::all_of(change.add.begin(), change.add.end(), has) &&
         std::none_of(change.remove.begin(), change.remove.end(), has);
}

Node With(Node node, const LabelChange& change) {
  for (const auto& [key, value] : change.set) node.labels[key] = value;
  for (const std::string& key : change.remove) node.labels.erase(key);
  return node;
}

Node With(Node node, const RoleChange& change) {
  std::set<NodeRole> roles(node.roles.begin(), node.roles.end());
  roles.insert(change.add.begin(), change.add.end());
  for (const NodeRole role : change.remove) roles.erase(role);
  node.roles.assign(roles.begin(), roles.end());
  return node;
}

// For NodeChange::Request: the node exists and shows the change.
template <typename Change>
std::function<bool(const absl::optional<Node>&)> Shows(const Change& change) {
  return
      [&change](const absl::optional<Node>& now) { return now.has_value() && IsSo(*now, change); };
}

absl::StatusOr<DecommissionState> ReadDecommission(net::LeaderFinder& finder,
                                                   const net::CallContext& context,
                                                   absl::string_view id) {
  v1::GetDecommissionRequest request;
  request.set_node_id(std::string(id));
  v1::Decommission decommission;
  absl::Status status = net::CallLeader(
      finder, context, "curator.v1.ClusterOperations.GetDecommission", request, &decommission);
  if (!status.ok()) return status;
  switch (decommission.state()) {
    case v1::Decommission::STATE_REQUESTED:
      return DecommissionState::kRequested;
    case v1::Decommission::STATE_IN_PROGRESS:
      return DecommissionState::kInProgress;
    case v1::Decommission::STATE_DONE:
      return DecommissionState::kDone;
    default:
      return DecommissionState::kNone;
  }
}

}  // namespace

absl::StatusOr<ApproveResult> Client::ApproveNode(absl::string_view public_key,
                                                  const CallOptions& options) {
  if (public_key.size() != 32) {
    return InvalidArgument(absl::StrCat("a public key has 32 bytes, not ", public_key.size()));
  }
  const net::LeaderFinder::Operation operation(*finder_);
  NodeChange change(*finder_, identity::NodeIdFromPublicKey(public_key), options);
  absl::StatusOr<Node> node = change.Read();
  if (!node.ok()) return node.status();
  if (IsApproved(node->state)) return ApproveResult{ChangeOutcome::kUnchanged, node->state};
  management::ApproveNodeRequest request;
  request.set_pubkey(std::string(public_key));
  management::ApproveNodeResponse response;
  node->state = NodeState::kStandby;
  absl::Status status = change.Make(
      {"metropolis.proto.api.Management.ApproveNode", request, response,
       [](const absl::optional<Node>& now) { return now.has_value() && IsApproved(now->state); },
       "approved"},
      &*node);
  if (!status.ok()) return status;
  return ApproveResult{ChangeOutcome::kApplied, node->state};
}

absl::StatusOr<NodeChangeResult> Client::UpdateNodeLabels(absl::string_view id,
                                                          const LabelChange& change,
                                                          const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  management::UpdateNodeLabelsRequest request;
  request.set_id(std::string(id));
  for (const auto& [key, value] : change.set) {
    if (change.remove.count(key) != 0) {
      return InvalidArgument(absl::StrCat("label ", key, " is to be set and removed at once"));
    }
    auto& pair = *request.add_upsert();
    pair.set_key(key);
    pair.set_value(value);
  }
  for (const std::string& key : change.remove) request.add_delete_(key);
  const net::LeaderFinder::Operation operation(*finder_);
  NodeChange node_change(*finder_, std::string(id), options);
  absl::StatusOr<Node> before = node_change.Read();
  if (!before.ok()) return before.status();
  NodeChangeResult result;
  result.outcome = IsSo(*before, change) ? ChangeOutcome::kUnchanged : ChangeOutcome::kApplied;
  result.before = *before;
  result.after = With(*std::move(before), change);
  // Sent even if nothing would change: a key that no node can have is refused, and
  // not taken for one that this node happens to lack.
  management::UpdateNodeLabelsResponse response;
  absl::Status status = node_change.Make({"metropolis.proto.api.Management.UpdateNodeLabels",
                                          request, response, Shows(change), "labelled as asked"},
                                         &result.after);
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<NodeChangeResult> Client::UpdateNodeRoles(absl::string_view id,
                                                         const RoleChange& change,
                                                         const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  management::UpdateNodeRolesRequest request;
  request.set_id(std::string(id));
  const auto set = [&request](NodeRole role, bool wanted) {
    switch (role) {
      case NodeRole::kConsensusMember:
        return request.set_consensus_member(wanted);
      case NodeRole::kKubernetesController:
        return request.set_kubernetes_controller(wanted);
      case NodeRole::kKubernetesWorker:
        return request.set_kubernetes_worker(wanted);
    }
  };
  for (const NodeRole role : change.add) {
    if (change.remove.count(role) != 0) {
      return InvalidArgument(
          absl::StrCat("role ", ToString(role), " is to be added and removed at once"));
    }
    set(role, true);
  }
  for (const NodeRole role : change.remove) set(role, false);
  const net::LeaderFinder::Operation operation(*finder_);
  NodeChange node_change(*finder_, std::string(id), options);
  absl::StatusOr<Node> before = node_change.Read();
  if (!before.ok()) return before.status();
  if (IsSo(*before, change)) return NodeChangeResult{ChangeOutcome::kUnchanged, *before, *before};
  NodeChangeResult result{ChangeOutcome::kApplied, *before, With(*before, change)};
  management::UpdateNodeRolesResponse response;
  absl::Status status =
      node_change.Make({"metropolis.proto.api.Management.UpdateNodeRoles", request, response,
                        Shows(change), "given the roles asked for"},
                       &result.after);
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<NodeChangeResult> Client::DeleteNode(absl::string_view id,
                                                    const DeleteBypass& bypass,
                                                    const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  const net::LeaderFinder::Operation operation(*finder_);
  absl::StatusOr<Node> before = NodeChange(*finder_, std::string(id), options).Read();
  if (!before.ok()) return before.status();
  return DeleteNode(*before, bypass, options);
}

absl::StatusOr<NodeChangeResult> Client::DeleteNode(const Node& before, const DeleteBypass& bypass,
                                                    const CallOptions& options) {
  if (absl::Status status = RequireNodeId(before.id); !status.ok()) return status;
  management::DeleteNodeRequest request;
  request.set_id(before.id);
  if (bypass.has_roles) request.mutable_safety_bypass_has_roles();
  if (bypass.not_decommissioned) request.mutable_safety_bypass_not_decommissioned();
  const net::LeaderFinder::Operation operation(*finder_);
  NodeChange node_change(*finder_, before.id, options);
  NodeChangeResult result{ChangeOutcome::kApplied, before, before};
  management::DeleteNodeResponse response;
  absl::Status status = node_change.Make(
      {"metropolis.proto.api.Management.DeleteNode", request, response,
       [](const absl::optional<Node>& now) { return !now.has_value(); }, "deleted"},
      &result.after);
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<DecommissionResult> Client::DecommissionNode(absl::string_view id,
                                                            const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  const net::LeaderFinder::Operation operation(*finder_);
  const net::CallContext context(options);
  absl::StatusOr<Node> before = NodeChange(*finder_, std::string(id), options).Read();
  if (!before.ok()) return before.status();
  DecommissionResult result{ChangeOutcome::kUnchanged, *std::move(before),
                            DecommissionState::kDone};
  if (result.before.state == NodeState::kDecommissioned) return result;
  absl::StatusOr<DecommissionState> state = ReadDecommission(*finder_, context, id);
  // A server that lacks this lacks the request as well, and is the one to say so.
  if (!state.ok() && DescribeError(state.status()).code != ErrorCode::kUnsupported) {
    return state.status();
  }
  if (state.ok() && *state != DecommissionState::kNone) {
    result.state = *state;
    return result;
  }
  management::DecommissionNodeRequest request;
  request.set_id(std::string(id));
  management::DecommissionNodeResponse response;
  absl::Status status = net::CallLeader(
      *finder_, context, "metropolis.proto.api.Management.DecommissionNode", request, &response);
  if (!status.ok()) return status;
  result.outcome = ChangeOutcome::kApplied;
  result.state = DecommissionState::kRequested;
  return result;
}

absl::StatusOr<DecommissionState> Client::GetDecommission(absl::string_view id,
                                                          const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  return ReadDecommission(*finder_, net::CallContext(options), id);
}

}  // namespace curator
