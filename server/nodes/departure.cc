#include "server/nodes/departure.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/nodes/node_roles.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using curator::v1::Decommission;
using curator::v1::ReportDecommissionRequest;
namespace common = metropolis::proto::common;

absl::optional<Decommission> StoredDecommission(const DecisionView& view,
                                                absl::string_view node_id) {
  absl::optional<std::string> stored = view.Find(keys::Decommission(node_id));
  Decommission decommission;
  if (!stored.has_value() || !decommission.ParseFromString(*stored)) return absl::nullopt;
  return decommission;
}

Operation PutDecommission(const Decommission& decommission) {
  return Operation::Put(keys::Decommission(decommission.node_id()),
                        decommission.SerializeAsString());
}

absl::Status StillHasRoles(const curator::storage::Node& node, absl::string_view remedy) {
  return absl::FailedPreconditionError(
      absl::StrCat("node ", node.id(), " still has the roles ", NamesOfRoles(node), ": ", remedy));
}

}  // namespace

absl::StatusOr<Decommission> DecommissionOf(const DecisionView& view, const std::string& node_id) {
  const curator::storage::Node* node = view.FindNode(node_id);
  if (node == nullptr) return NoSuchNode(node_id);
  Decommission decommission = StoredDecommission(view, node_id).value_or(Decommission());
  decommission.set_node_id(node_id);
  // Others may have decommissioned it, who keep no such key.
  if (node->fsm_state() == common::NODE_STATE_DECOMMISSIONED) {
    decommission.set_state(Decommission::STATE_DONE);
  }
  return decommission;
}

bool IsLeaving(const DecisionView& view, const curator::storage::Node& node) {
  return node.fsm_state() == common::NODE_STATE_DECOMMISSIONED ||
         StoredDecommission(view, node.id()).has_value();
}

Operations DecideDecommission(const DecisionView& view,
                              const metropolis::proto::api::DecommissionNodeRequest& request,
                              absl::string_view only_curator, absl::Time now) {
  absl::StatusOr<NodeSelector> selector = SelectorOf(request);
  if (!selector.ok()) return selector.status();
  absl::StatusOr<const curator::storage::Node*> found = FindSelected(view, *selector);
  if (!found.ok()) return found.status();
  const curator::storage::Node& node = **found;
  if (IsLeaving(view, node)) return std::vector<Operation>{};
  if (HasRoles(node)) return StillHasRoles(node, "remove them first");
  if (node.fsm_state() != common::NODE_STATE_UP) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", node.id(), " is ", NameOf(node.fsm_state()),
                     ", not UP: there is nothing to decommission, it can be deleted"));
  }
  if (node.id() == only_curator) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", node.id(), " runs the only curator: have another one join first"));
  }
  Decommission decommission;
  decommission.set_node_id(node.id());
  decommission.set_state(Decommission::STATE_REQUESTED);
  SetTime(now, decommission.mutable_requested_at());
  SetTime(now, decommission.mutable_changed_at());
  return std::vector<Operation>{PutDecommission(decommission)};
}

Operations DecideDecommissionReport(const DecisionView& view, const std::string& node_id,
                                    const ReportDecommissionRequest& request, absl::Time now,
                                    curator::v1::ReportDecommissionResponse* response) {
  const Decommission::State said = request.state();
  if (said != Decommission::STATE_IN_PROGRESS && said != Decommission::STATE_DONE) {
    return absl::InvalidArgumentError("a node reports STATE_IN_PROGRESS or STATE_DONE");
  }
  absl::StatusOr<Decommission> current = DecommissionOf(view, node_id);
  if (!current.ok()) return current.status();
  Decommission& decommission = *current;
  if (said == decommission.state()) {
    *response->mutable_decommission() = std::move(decommission);
    return std::vector<Operation>{};
  }
  const Decommission::State needed = said == Decommission::STATE_DONE
                                         ? Decommission::STATE_IN_PROGRESS
                                         : Decommission::STATE_REQUESTED;
  if (decommission.state() != needed) {
    return absl::FailedPreconditionError(absl::StrCat(
        "node ", node_id, " reports ", Decommission::State_Name(said),
        " of its decommissioning, which is at ", Decommission::State_Name(decommission.state())));
  }
  std::vector<Operation> operations;
  if (said == Decommission::STATE_DONE) {
    curator::storage::Node node = *view.FindNode(node_id);
    // We give no role to a node that leaves; a curator that does not know of it may.
    if (HasRoles(node)) return StillHasRoles(node, "its decommissioning cannot be done");
    node.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
    operations.push_back(PutNode(node));
  }
  decommission.set_state(said);
  SetTime(now, decommission.mutable_changed_at());
  operations.push_back(PutDecommission(decommission));
  *response->mutable_decommission() = std::move(decommission);
  return operations;
}

Operations DecideDelete(const DecisionView& view,
                        const metropolis::proto::api::DeleteNodeRequest& request) {
  absl::StatusOr<NodeSelector> selector = SelectorOf(request);
  if (!selector.ok()) return selector.status();
  absl::StatusOr<const curator::storage::Node*> found = FindSelected(view, *selector);
  if (!found.ok()) return found.status();
  const curator::storage::Node& node = **found;
  if (HasRoles(node) && !request.has_safety_bypass_has_roles()) {
    return StillHasRoles(node, "remove them first, or bypass this check");
  }
  if (node.fsm_state() == common::NODE_STATE_UP &&
      !request.has_safety_bypass_not_decommissioned()) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", node.id(), " is UP: decommission it first, or bypass this check"));
  }
  // Its certificate stays stored: it counts for nothing without the node.
  std::vector<Operation> operations = {Operation::Delete(keys::Node(node.id()))};
  const std::string join_key = keys::JoinKey(node.join_key());
  if (view.Find(join_key) == absl::optional<std::string>(node.id())) {
    operations.push_back(Operation::Delete(join_key));
  }
  const std::string decommission = keys::Decommission(node.id());
  if (view.Find(decommission).has_value()) operations.push_back(Operation::Delete(decommission));
  return operations;
}

}  // namespace curatord
