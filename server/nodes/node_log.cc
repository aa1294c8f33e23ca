#include "server/nodes/node_log.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "curator/v1/cluster_operations.pb.h"
#include "server/log.h"
#include "server/store/keys.h"

namespace curatord {

using curator::v1::Decommission;
namespace common = metropolis::proto::common;

std::string NodeEvent(const NodeRecord* before, const NodeRecord* after) {
  if (after == nullptr) return before == nullptr ? "" : "node deleted";
  if (before != nullptr && before->node.fsm_state() == after->node.fsm_state()) return "";
  switch (after->node.fsm_state()) {
    case common::NODE_STATE_NEW:
      return "node registered";
    case common::NODE_STATE_STANDBY:
      return "node approved";
    case common::NODE_STATE_UP:
      return "node up";
    case common::NODE_STATE_DECOMMISSIONED:
      return "node decommissioned";
    default:
      return "node changed its state";
  }
}

NodesBefore NodesToWrite(const ClusterState& state, const std::vector<Operation>& operations) {
  NodesBefore before;
  for (const Operation& operation : operations) {
    absl::string_view id = operation.key;
    if (absl::ConsumePrefix(&id, keys::kNodes)) before.emplace_back(id, state.FindNode(id));
  }
  return before;
}

void LogNodeEvents(const NodesBefore& before, const ClusterState& after) {
  for (const auto& [id, old] : before) {
    const std::string event = NodeEvent(old.get(), after.FindNode(id).get());
    if (!event.empty()) LogInfo(event, {{"node", id}});
  }
}

std::string DepartureEvent(const Operation& operation) {
  Decommission decommission;
  if (operation.kind != Operation::Kind::kPut ||
      !absl::StartsWith(operation.key, keys::kDecommissions) ||
      !decommission.ParseFromString(operation.value)) {
    return "";
  }
  switch (decommission.state()) {
    case Decommission::STATE_REQUESTED:
      return "node decommission requested";
    case Decommission::STATE_IN_PROGRESS:
      return "node decommission in progress";
    default:
      return "";
  }
}

void LogDepartures(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    const std::string event = DepartureEvent(operation);
    if (event.empty()) continue;
    LogInfo(event, {{"node", absl::StripPrefix(operation.key, keys::kDecommissions)}});
  }
}

}  // namespace curatord
