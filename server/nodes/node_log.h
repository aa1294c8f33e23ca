// One line of the log for each node that comes, changes its state, or goes, and for each
// step of its decommissioning.
#ifndef SERVER_NODES_NODE_LOG_H_
#define SERVER_NODES_NODE_LOG_H_

#include <string>
#include <utility>
#include <vector>

#include "server/nodes/cluster_state.h"
#include "server/store/store.h"

namespace curatord {

// "node registered", "node approved", ...: what putting `after` (null: deleted) in the
// place of `before` (null: none) means; "" if the state stays.
std::string NodeEvent(const NodeRecord* before, const NodeRecord* after);

// The nodes that a transaction is about to write, as they are. To be taken before it is
// committed: the watch may be faster than the answer.
using NodesBefore = std::vector<std::pair<std::string, NodeRecordPtr>>;
NodesBefore NodesToWrite(const ClusterState& state, const std::vector<Operation>& operations);

// Logs what became of them. The leader's to call, so that each event stands in one log,
// that of the curator which decided it.
void LogNodeEvents(const NodesBefore& before, const ClusterState& after);

// "node decommission requested", "node decommission in progress"; "" if an operation says
// neither: that it is done is the node's own event.
std::string DepartureEvent(const Operation& operation);

// Logs those of a transaction that was committed.
void LogDepartures(const std::vector<Operation>& operations);

}  // namespace curatord

#endif  // SERVER_NODES_NODE_LOG_H_
