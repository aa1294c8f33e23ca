// How a node leaves the cluster: it is decommissioned, then deleted (protocol
// section 4, DeleteNode and DecommissionNode).
//
// Decommissioning: an operator requests it of a node that is UP and has no roles;
// its agent says that it is in progress, and then that it is done, which makes the
// node DECOMMISSIONED. How far it is stands beside the node's record, in a key that
// existing curators do not know: a record has no field for it.
#ifndef SERVER_NODES_DEPARTURE_H_
#define SERVER_NODES_DEPARTURE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "curator/v1/cluster_operations.pb.h"
#include "metropolis/management.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

// How far the node is. kNotFound: no such node.
absl::StatusOr<curator::v1::Decommission> DecommissionOf(const DecisionView& view,
                                                         const std::string& node_id);
// Whether it has left, or is about to.
bool IsLeaving(const DecisionView& view, const curator::storage::Node& node);

// Asked again, it changes nothing. `only_curator`: the node without which nobody would
// lead; empty if there is none such.
Operations DecideDecommission(const DecisionView& view,
                              const metropolis::proto::api::DecommissionNodeRequest& request,
                              absl::string_view only_curator, absl::Time now);
// What node `node_id` says of itself; the same said again changes nothing.
Operations DecideDecommissionReport(const DecisionView& view, const std::string& node_id,
                                    const curator::v1::ReportDecommissionRequest& request,
                                    absl::Time now,
                                    curator::v1::ReportDecommissionResponse* response);
Operations DecideDelete(const DecisionView& view,
                        const metropolis::proto::api::DeleteNodeRequest& request);

}  // namespace curatord

#endif  // SERVER_NODES_DEPARTURE_H_
