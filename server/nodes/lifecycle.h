// What may happen to a node, and when: the rules of protocol section 4 as pure
// decisions (Leadership::Decision). Each looks at the committed state and returns
// what to write, or the refusal in the protocol's status code; none has effects.
#ifndef SERVER_NODES_LIFECYCLE_H_
#define SERVER_NODES_LIFECYCLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "metropolis/common.pb.h"
#include "metropolis/curator.pb.h"
#include "server/nodes/decision_view.h"
#include "server/store/store.h"

namespace curatord {

namespace curator_api = metropolis::node::core::curator::proto::api;
using Operations = absl::StatusOr<std::vector<Operation>>;

// The configuration as stored, or the protocol's defaults.
metropolis::proto::common::ClusterConfiguration ClusterConfigurationIn(const DecisionView& view);
metropolis::proto::common::ClusterConfiguration DefaultClusterConfiguration();

// `public_key`: of the caller's ephemeral certificate, "" if it sent none.
Operations DecideRegister(const DecisionView& view, const std::string& public_key,
                          const curator_api::RegisterNodeRequest& request,
                          curator_api::RegisterNodeResponse* response);
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
// The caller is node `node_id`. `now` is stored as the time of the status.
Operations DecideStatus(const DecisionView& view, const std::string& node_id,
                        const metropolis::proto::common::NodeStatus& status, absl::Time now);
// For a new leader: states its own address, unless it stands there already.
Operations DecideOwnAddress(const DecisionView& view, const std::string& node_id,
                            const std::string& external_address, int curator_port, absl::Time now);

}  // namespace curatord

#endif  // SERVER_NODES_LIFECYCLE_H_
