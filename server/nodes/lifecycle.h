// How a node comes into the cluster, and what it reports once it is there: the
// rules of protocol section 4 as decisions.
#ifndef SERVER_NODES_LIFECYCLE_H_
#define SERVER_NODES_LIFECYCLE_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "metropolis/common.pb.h"
#include "metropolis/curator.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

namespace curator_api = metropolis::node::core::curator::proto::api;

// `public_key`: of the caller's ephemeral certificate, "" if it sent none. `admit` is asked
// before a node is created, and may refuse.
using AdmitNewNode = std::function<absl::Status(const DecisionView& view)>;
Operations DecideRegister(const DecisionView& view, const std::string& public_key,
                          const curator_api::RegisterNodeRequest& request,
                          const AdmitNewNode& admit, curator_api::RegisterNodeResponse* response);
Operations DecideApprove(const DecisionView& view, const std::string& public_key);
// Repeated with the same unlock key before the node's first status, it returns
// the stored certificate: an answer that was lost must not doom the node.
Operations DecideCommit(const DecisionView& view, const std::string& public_key,
                        const curator_api::CommitNodeRequest& request,
                        curator_api::CommitNodeResponse* response);
// `join_key`: of the caller's ephemeral certificate, "" if it sent none.
Operations DecideJoin(const DecisionView& view, const std::string& join_key,
                      const curator_api::JoinNodeRequest& request,
                      curator_api::JoinNodeResponse* response);
// What is wrong with a status, whoever reports it.
absl::Status CheckStatus(const metropolis::proto::common::NodeStatus& status);
// The caller is node `node_id`. `now` is stored as the time of the status.
Operations DecideStatus(const DecisionView& view, const std::string& node_id,
                        const metropolis::proto::common::NodeStatus& status, absl::Time now);
// For a new leader: states its own address, unless it stands there already.
// kNotFound, and it must not lead, if its node was deleted or decommissioned.
Operations DecideOwnAddress(const DecisionView& view, const std::string& node_id,
                            const std::string& external_address, int curator_port, absl::Time now);

}  // namespace curatord

#endif  // SERVER_NODES_LIFECYCLE_H_
